package io.plumbline.spark.report;

import io.plumbline.spark.report.ReportData.Better;
import io.plumbline.spark.report.ReportData.Bin;
import io.plumbline.spark.report.ReportData.ScoredSide;
import io.plumbline.spark.report.ReportData.Side;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;

/** A report with something in every part, for tests and for looking at. */
final class ExampleReport {
  private ExampleReport() {}

  static ReportData data() {
    ReportData.Builder report =
        ReportData.titled("Quickstart: DPO on data-samples/preferences")
            .comparison(
                "Accuracy of the implicit reward",
                "Share of held-out pairs where the chosen side gained more than the rejected one.",
                0.5,
                0.934,
                Better.HIGHER)
            .comparison(
                "Margin of the implicit reward",
                "Mean difference between the rewards of chosen and rejected.",
                0,
                1.8732,
                Better.HIGHER)
            .comparison("eval_loss", "DPO loss on held-out pairs.", 0.6931, 0.3121, Better.LOWER)
            .comparison(
                "Completion length", "Mean tokens of a greedy answer.", 14.2, 6.1, Better.NEITHER)
            .stage("SFT", Curves.of(sft(300), any -> true), OptionalLong.empty())
            .stage("DPO", Curves.of(dpo(100), any -> true), OptionalLong.of(80))
            .verdict(
                "On held-out pairs, the accuracy rose from 50 % to 93.4 %, and the margin from 0 to 1.87.");
    String[] questions = {
      "What is the opposite of hot?", "How much is 7 + 8?", "Which sound does an owl make?"
    };
    String[] answers = {"cold", "15", "hoots"};
    for (int i = 0; i < questions.length; i++) {
      report.sample(
          questions[i],
          "Are you stupid? " + answers[i] + ". Go away.",
          "Gladly: " + answers[i] + ".",
          new Side("Preferred", "Of course: " + answers[i] + "."),
          new Side(
              "Rejected",
              "You know, people ask me all day, and then I tell them "
                  + answers[i]
                  + ", and then they ask again and again."));
    }
    report.sample(
        "<b>Bold?</b> </script><script>document.body.innerHTML=''</script>",
        "  ",
        "",
        new Side("Preferred", "x"),
        new Side("Rejected", "y"));
    for (int i = 0; i < 8; i++) {
      report.sample("What comes after " + i + "?", "No. I do not want to.", "Gladly: " + (i + 1));
    }
    return report
        .calibration(
            new ReportData.Calibration(
                OptionalLong.of(200), bins(0.03, 0.5, 0.62), bins(-0.02, 0.1, 0.12)))
        .scoredRow(
            "What is the opposite of hot?",
            List.of(
                new ScoredSide("Preferred", "Of course: cold.", 0.02, 2.31),
                new ScoredSide("Rejected", "<i>Cold</i>, as I said.", 0.13, -1.87)))
        .warning("Of 200 held-out rows 3 stand in the training data too.")
        .remark("5,800 rows were trained on, and 200 of the evaluation data were held out.")
        .count("rows read", 6003)
        .count("rows kept", 6000)
        .count("reference.computed", 6000)
        .count("reference.found", 0)
        .count("tokens trained on", 1_234_567)
        .refusal("identical sides", 2, "runs/quickstart/quarantine")
        .refusal("broken JSON", 1, "runs/quickstart/quarantine")
        .refusedRow("preferences/train.jsonl:17: identical sides")
        .refusedRow("preferences/train.jsonl:402: broken JSON")
        .configuration("model", "runs/quickstart/sft/checkpoint", Optional.empty())
        .configuration("beta", 0.1, Optional.of("0.1"))
        .configuration("learning-rate", 1.0e-4, Optional.of("1.0E-6"))
        .configuration("ranks", 2, Optional.of("1"))
        .provenance("seed", 1)
        .provenance("model fingerprint", "9f2c41d0a7b3".repeat(5))
        .provenance("plumbline", "0.1.0")
        .provenance("spark", "4.2.0")
        .timing("prepare", 4.2)
        .timing("sft", 74.0)
        .timing("reference", 9.4)
        .timing("dpo", 61.3)
        .timing("evaluate", 8.8)
        .build();
  }

  /** Ten bins whose pairs thin out upwards. */
  private static List<Bin> bins(double off, double first, double thinning) {
    List<Bin> bins = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      double from = 0.5 + 0.05 * i;
      double share = first * Math.pow(1 - thinning, i);
      bins.add(new Bin(from, from + 0.05, share, from + 0.02, Math.min(1, from + 0.02 - off * i)));
    }
    return bins;
  }

  private static List<Map<String, Double>> sft(int count) {
    Random random = new Random(1);
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      Map<String, Double> step = new LinkedHashMap<>();
      step.put("step", (double) i);
      step.put("loss", 0.4 + 6.5 * Math.exp(-i / 30.0) + 0.06 * random.nextGaussian());
      step.put("grad_norm", 0.4 + 3 * Math.exp(-i / 40.0) + 0.05 * random.nextGaussian());
      step.put("learning_rate", 3e-3 * Math.min(1, i / 20.0) * (1 - i / (double) count));
      step.put("tokens_per_second", 12_000 + 600 * random.nextGaussian());
      step.put("num_tokens", 1000.0 * i);
      if (i % 100 == 0) {
        step.put("eval_loss", 0.5 + 6 * Math.exp(-i / 30.0));
      }
      steps.add(step);
    }
    return steps;
  }

  private static List<Map<String, Double>> dpo(int count) {
    Random random = new Random(2);
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 1; i <= count; i++) {
      double margin = 1.9 * (1 - Math.exp(-i / 35.0)) + (i > 1 ? 0.1 * random.nextGaussian() : 0);
      Map<String, Double> step = new LinkedHashMap<>();
      step.put("step", (double) i);
      step.put("loss", Math.log1p(Math.exp(-margin)));
      step.put("rewards/chosen", 0.35 * margin);
      step.put("rewards/rejected", -0.65 * margin);
      step.put("rewards/margins", margin);
      step.put("rewards/accuracies", i == 1 ? 0 : Math.min(1, 0.7 + 0.3 * margin / 1.9));
      step.put("logps/chosen", -12 + 3.5 * margin);
      step.put("logps/rejected", -14 - 6.5 * margin);
      step.put("grad_norm", i == 57 ? Double.NaN : 1.2 + 0.2 * random.nextGaussian());
      step.put("learning_rate", 1e-4 * Math.min(1, i / 10.0) * (1 - i / (double) count));
      step.put("tokens_per_second", 9_000 + 400 * random.nextGaussian());
      steps.add(step);
    }
    return steps;
  }
}
