package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generation.Finish;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.RewardNotices;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.StageResults;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.StageProgress;
import io.plumbline.statistics.Calibration;
import io.plumbline.statistics.Estimate;
import io.plumbline.statistics.Moments;
import io.plumbline.statistics.Tilt;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;

/**
 * Measures policies, behind the command {@code evaluate}: on preference pairs by implicit reward,
 * on prompts by what they write, and against the best that any policy could be. Each pass of a
 * model over the rows is a Spark stage over all slots; this process sees a few numbers a row, in
 * the order of the input, so that the result is the same however many slots there are, up to the
 * rounding of the multiplications.
 */
public final class PolicyEvaluation {
  /** Prompts whose completions are shown. */
  private static final int SHOWN = 8;

  private final SparkSession spark;
  private final Storage storage;
  private final EvaluationRequest request;
  private final int threadsPerTask;
  private final ProgressListener listener;
  private final List<String> rewardNames;
  private final Map<String, ModelDirectory> models;

  /** What the rows of an option were read as. */
  private final Map<String, String> read = new TreeMap<>();

  private PolicyEvaluation(
      SparkSession spark,
      Storage storage,
      EvaluationRequest request,
      int threadsPerTask,
      ProgressListener listener,
      List<String> rewardNames,
      Map<String, ModelDirectory> models) {
    this.spark = spark;
    this.storage = storage;
    this.request = request;
    this.threadsPerTask = threadsPerTask;
    this.listener = listener;
    this.rewardNames = rewardNames;
    this.models = models;
  }

  /**
   * Runs all that is asked for. Models and rewards are looked at before any work.
   *
   * @param threadsPerTask threads that PyTorch uses in a task
   */
  public static Evaluation run(
      SparkSession spark,
      Storage storage,
      EvaluationRequest request,
      int threadsPerTask,
      ProgressListener listener) {
    Map<String, ModelDirectory> models = EvaluatedModels.checked(storage, request, listener::note);
    List<String> rewardNames;
    try (RewardPanel panel =
        RewardPanel.open(request.rewards().stream().map(RewardSpec::parse).toList(), storage)) {
      rewardNames = panel.names();
      request.policies().stream()
          .map(policy -> models.get(policy.model()).tokenizerFiles())
          .flatMap(files -> RewardNotices.of(List.of(panel), files).stream())
          .distinct()
          .forEach(listener::note);
    }
    return new PolicyEvaluation(
            spark, storage, request, threadsPerTask, listener, rewardNames, models)
        .evaluation();
  }

  private Evaluation evaluation() {
    Map<String, Evaluation.Preferences> preferences =
        request.data().isEmpty() ? Map.of() : preferences();
    List<Drawn> drawn = new ArrayList<>();
    Optional<Evaluation.TiltResult> tilt = Optional.empty();
    List<double[]> groups = new ArrayList<>();
    Optional<Evaluation.Prompts> asked = Optional.empty();
    if (!request.prompts().isEmpty()) {
      try (EvaluationInput prompts = input(request.prompts(), RowsRead.Use.PROMPTS)) {
        for (EvaluationRequest.Policy policy : request.policies()) {
          drawn.add(
              drawn(
                  prompts,
                  "sample " + policy.name(),
                  policy.model(),
                  request.reference(),
                  request.decoding(),
                  SHOWN));
        }
        if (request.tilt().isPresent()) {
          groups.addAll(referenceRewards(prompts, request.tilt().getAsInt()));
          tilt = Optional.of(tilt(groups, request.tilt().getAsInt()));
        }
        asked =
            Optional.of(
                new Evaluation.Prompts(prompts.size(), request.rewards(), request.decoding()));
      }
    }
    List<Evaluation.Policy> policies = new ArrayList<>();
    for (int p = 0; p < request.policies().size(); p++) {
      EvaluationRequest.Policy policy = request.policies().get(p);
      Optional<Drawn> own = drawn.isEmpty() ? Optional.empty() : Optional.of(drawn.get(p));
      Optional<Evaluation.Completions> completions = own.map(this::completions);
      policies.add(
          new Evaluation.Policy(
              policy.name(),
              policy.model(),
              completions,
              Optional.ofNullable(preferences.get(policy.name())),
              p == 0 || own.isEmpty() || rewardNames.isEmpty()
                  ? Optional.empty()
                  : winRate(own.get(), drawn.get(0)),
              tilt.flatMap(found -> frontier(groups, found, completions.orElseThrow()))));
    }
    boolean priced = !request.data().isEmpty() || tilt.isPresent();
    return new Evaluation(
        request.reference(),
        priced ? OptionalDouble.of(request.beta()) : OptionalDouble.empty(),
        asked,
        policies,
        tilt,
        samples(drawn),
        read);
  }

  private EvaluationInput input(RowSources sources, RowsRead.Use use) {
    EvaluationInput input = EvaluationInput.of(spark, storage, sources, use, listener);
    input
        .read()
        .ifPresent(line -> read.put(use == RowsRead.Use.PROMPTS ? "prompts" : "data", line));
    return input;
  }

  private <T> StageResults<T> stage(
      String name,
      EvaluationInput input,
      String unit,
      Function<LongAccumulator, StageResults<T>> run) {
    LongAccumulator done = spark.sparkContext().longAccumulator(name);
    return StageProgress.whole(
        listener, name, input.size(), unit, done::value, () -> run.apply(done));
  }

  // Preference pairs.

  private Map<String, Evaluation.Preferences> preferences() {
    Map<String, Evaluation.Preferences> byPolicy = new LinkedHashMap<>();
    try (EvaluationInput pairs = input(request.data(), RowsRead.Use.SCORED);
        StageResults<PairLogps> reference =
            pairLogps(pairs, "score pairs with the reference", request.reference().orElseThrow())) {
      for (EvaluationRequest.Policy policy : request.policies()) {
        try (StageResults<PairLogps> own =
            pairLogps(pairs, "score pairs with " + policy.name(), policy.model())) {
          byPolicy.put(
              policy.name(),
              preferences(own.iterator(), reference.iterator(), Math.toIntExact(own.size())));
        }
      }
    }
    return byPolicy;
  }

  private StageResults<PairLogps> pairLogps(EvaluationInput pairs, String name, String model) {
    return stage(
        name,
        pairs,
        "pairs",
        done ->
            PairLogps.run(
                storage,
                pairs.rows(),
                models.get(model),
                request.passes().dtype(),
                request.passes().tokensPerBatch(),
                threadsPerTask,
                done));
  }

  private Evaluation.Preferences preferences(
      Iterator<PairLogps> own, Iterator<PairLogps> reference, int size) {
    PairTotals totals = new PairTotals();
    double[] margins = new double[size];
    int[] counts = new int[Calibration.BINS];
    double[] confidences = new double[Calibration.BINS];
    double[] right = new double[Calibration.BINS];
    for (int i = 0; i < size; i++) {
      PairTotals.Pair pair = own.next().against(reference.next());
      totals.add(pair, request.beta());
      double chosen = pair.chosenReward(request.beta());
      double rejected = pair.rejectedReward(request.beta());
      margins[i] = chosen - rejected;
      double probability = BradleyTerry.preferenceProbability(chosen, rejected);
      int bin = Calibration.bin(probability);
      counts[bin]++;
      confidences[bin] += Calibration.confidence(probability);
      // Neither side is predicted where both are equal, as a policy has it that is the reference.
      right[bin] += chosen > rejected ? 1 : chosen == rejected ? 0.5 : 0;
    }
    List<Calibration.Bin> bins = new ArrayList<>();
    for (int bin = 0; bin < counts.length; bin++) {
      if (counts[bin] > 0) {
        bins.add(
            new Calibration.Bin(
                bin,
                (double) counts[bin] / size,
                confidences[bin] / counts[bin],
                right[bin] / counts[bin]));
      }
    }
    PairMetrics metrics = totals.means();
    double accuracy = metrics.accuracy();
    return new Evaluation.Preferences(
        metrics,
        Math.sqrt(accuracy * (1 - accuracy) / size),
        Moments.of(margins).deviation() / Math.sqrt(size),
        Calibration.error(bins),
        bins);
  }

  // Completions of prompts.

  /**
   * What a model wrote: by prompt, by completion.
   *
   * @param rewards weighted sums; NaN where a completion has none
   */
  private record Drawn(
      String model,
      double[][] rewards,
      double[][] k1,
      double[][] k3,
      double[][] lengths,
      Map<String, Moments> byReward,
      long failed,
      double clippedRatio,
      List<RewardedCompletion> shown) {

    /** The mean of each prompt that has numbers. */
    static double[] means(double[][] groups) {
      return Arrays.stream(groups)
          .map(Moments::of)
          .filter(moments -> moments.count() > 0)
          .mapToDouble(Moments::mean)
          .toArray();
    }
  }

  private Drawn drawn(
      EvaluationInput prompts,
      String name,
      String model,
      Optional<String> reference,
      DecodingSettings decoding,
      int shown) {
    RewardedCompletion.Drawing drawing =
        new RewardedCompletion.Drawing(
            storage,
            models.get(model),
            reference.map(models::get),
            request.rewards(),
            decoding,
            request.passes().dtype(),
            request.passes().tokensPerBatch(),
            threadsPerTask,
            shown);
    try (StageResults<RewardedCompletion> results =
        stage(
            name,
            prompts,
            "prompts",
            done -> RewardedCompletion.run(prompts.rows(), drawing, done))) {
      return gathered(results.iterator(), model, prompts.size(), decoding.numGenerations());
    }
  }

  private Drawn gathered(
      Iterator<RewardedCompletion> completions, String model, long size, int perPrompt) {
    int prompts = Math.toIntExact(size);
    double[][] rewards = new double[prompts][perPrompt];
    double[][] k1 = new double[prompts][perPrompt];
    double[][] k3 = new double[prompts][perPrompt];
    double[][] lengths = new double[prompts][perPrompt];
    double[][] each = new double[rewardNames.size()][prompts * perPrompt];
    List<RewardedCompletion> shown = new ArrayList<>();
    long failed = 0;
    long clipped = 0;
    String failure = "";
    for (int i = 0; completions.hasNext(); i++) {
      RewardedCompletion completion = completions.next();
      int prompt = i / perPrompt;
      int number = i % perPrompt;
      rewards[prompt][number] = completion.reward();
      k1[prompt][number] = completion.kl();
      k3[prompt][number] = completion.klK3();
      lengths[prompt][number] = completion.length();
      for (int f = 0; f < each.length; f++) {
        each[f][i] = completion.rewards()[f];
      }
      clipped += completion.finish() == Finish.LENGTH ? 1 : 0;
      if (!completion.failure().isEmpty()) {
        failed++;
        failure = failure.isEmpty() ? completion.failure() : failure;
      }
      if (number == 0 && prompt < SHOWN) {
        shown.add(completion);
      }
    }
    long all = size * perPrompt;
    refuseFailures(failed, all, failure);
    Map<String, Moments> byReward = new LinkedHashMap<>();
    for (int f = 0; f < each.length; f++) {
      byReward.put(rewardNames.get(f), Moments.of(each[f]));
    }
    return new Drawn(
        model, rewards, k1, k3, lengths, byReward, failed, (double) clipped / all, shown);
  }

  private void refuseFailures(long failed, long all, String failure) {
    FailureLimit limit = request.failures();
    if (limit.isOver(failed, failed, all)) {
      throw new PlumblineException(
          ErrorCode.REWARD_FAILED,
          String.format(
              Locale.ROOT,
              "%,d of %,d completions have no reward, because a function failed (for example:"
                  + " %s): %s",
              failed,
              all,
              failure,
              limit.remedy(failed, all)));
    }
  }

  private Evaluation.Completions completions(Drawn drawn) {
    double[] rewards = Drawn.means(drawn.rewards());
    if (!rewardNames.isEmpty() && rewards.length == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "No completion of %s has a reward: every function said nothing of all rows; see which column each --reward reads."
              .formatted(drawn.model()));
    }
    Map<String, Double> means = new LinkedHashMap<>();
    drawn
        .byReward()
        .forEach(
            (name, moments) -> means.put(name, moments.count() == 0 ? Double.NaN : moments.mean()));
    return new Evaluation.Completions(
        rewardNames.isEmpty() ? Optional.empty() : Optional.of(Estimate.of(rewards)),
        means,
        drawn.failed(),
        request.reference().isEmpty()
            ? Optional.empty()
            : Optional.of(
                new Evaluation.Kl(
                    Estimate.of(Drawn.means(drawn.k1())), Estimate.of(Drawn.means(drawn.k3())))),
        Estimate.of(Drawn.means(drawn.lengths())),
        drawn.clippedRatio());
  }

  /** Every completion of a prompt against every one of the other's. */
  private Optional<Evaluation.WinRate> winRate(Drawn own, Drawn other) {
    List<Double> rates = new ArrayList<>();
    for (int p = 0; p < own.rewards().length; p++) {
      double won = 0;
      int games = 0;
      for (double mine : own.rewards()[p]) {
        for (double theirs : other.rewards()[p]) {
          if (!Double.isNaN(mine) && !Double.isNaN(theirs)) {
            won += mine > theirs ? 1 : mine == theirs ? 0.5 : 0;
            games++;
          }
        }
      }
      if (games > 0) {
        rates.add(won / games);
      }
    }
    return rates.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new Evaluation.WinRate(
                request.policies().get(0).name(),
                Estimate.of(rates.stream().mapToDouble(Double::doubleValue).toArray())));
  }

  // The tilt.

  /** By prompt; prompts with fewer than two rewarded completions are left out. */
  private List<double[]> referenceRewards(EvaluationInput prompts, int numCompletions) {
    Drawn reference =
        drawn(
            prompts,
            "sample the reference",
            request.reference().orElseThrow(),
            Optional.empty(),
            request.decoding().withNumGenerations(numCompletions),
            0);
    List<double[]> groups =
        Arrays.stream(reference.rewards())
            .map(group -> Arrays.stream(group).filter(reward -> !Double.isNaN(reward)).toArray())
            .filter(group -> group.length >= 2)
            .toList();
    if (groups.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "No prompt has two completions of the reference with a reward, which --tilt weighs; see"
              + " which column each --reward reads.");
    }
    return groups;
  }

  private Evaluation.TiltResult tilt(List<double[]> groups, int numCompletions) {
    return new Evaluation.TiltResult(
        numCompletions,
        Tilt.optimum(groups, request.beta()),
        Tilt.frontier(groups),
        Tilt.bestOfN(groups));
  }

  private static Optional<Evaluation.Frontier> frontier(
      List<double[]> groups, Evaluation.TiltResult tilt, Evaluation.Completions completions) {
    if (completions.kl().isEmpty() || completions.reward().isEmpty()) {
      return Optional.empty();
    }
    Tilt.Place place = Tilt.place(groups, completions.kl().get().k1());
    Estimate own = completions.reward().get();
    Estimate reference = tilt.referenceReward();
    double way = place.reward() - reference.mean();
    if (place.reach() == Tilt.Reach.BEYOND
        || !(way > Math.hypot(place.error(), reference.error()))) {
      return Optional.of(new Evaluation.Frontier(place, Optional.empty()));
    }
    double share = (own.mean() - reference.mean()) / way;
    double error =
        Math.hypot(Math.hypot(own.error(), (1 - share) * reference.error()), share * place.error())
            / way;
    return Optional.of(
        new Evaluation.Frontier(place, Optional.of(new Evaluation.Share(share, error))));
  }

  private List<Evaluation.Sample> samples(List<Drawn> drawn) {
    if (drawn.isEmpty()) {
      return List.of();
    }
    return IntStream.range(0, drawn.get(0).shown().size())
        .mapToObj(
            i ->
                new Evaluation.Sample(
                    drawn.get(0).shown().get(i).prompt(),
                    IntStream.range(0, drawn.size())
                        .mapToObj(
                            p -> {
                              RewardedCompletion completion = drawn.get(p).shown().get(i);
                              return new Evaluation.Written(
                                  request.policies().get(p).name(),
                                  completion.text(),
                                  completion.reward());
                            })
                        .toList()))
        .toList();
  }
}
