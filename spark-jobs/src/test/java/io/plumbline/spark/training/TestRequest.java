package io.plumbline.spark.training;

import io.plumbline.base.CountOrShare;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.ShardSize;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.LengthLimits.Truncation;
import io.plumbline.data.LossOn;
import io.plumbline.model.ActivationMemory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.LoraSettings;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.settings.SettingsOf;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.algorithm.DpoAlgorithm;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.algorithm.SftAlgorithm;
import io.plumbline.spark.training.algorithm.SftAlgorithm.SupervisedOn;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** Requests for tests of whole jobs: each setter gives another request, with one thing changed. */
final class TestRequest implements Cloneable {
  private String model;
  private List<String> data;
  private List<String> evalData = List.of();
  private Optional<EvalSplit> evalSplit = Optional.empty();
  private String output;
  private Optional<String> cache = Optional.empty();
  private int ranks;
  private int threads = 1;
  private long steps;
  private int batch = 8;
  private OptimizerSettings optimizer = Optimizers.scheduled(1e-3, Schedule.LINEAR, 4);
  private int maxLength = 128;
  private long evalSteps;
  private long saveSteps;
  private Start start = Start.FRESH;
  private AlgorithmSettings objective = SettingsOf.type(DpoAlgorithm.Settings.class).standard();
  private long maxBadRows;
  private BadSteps badSteps = BadSteps.STOP;
  private Selection selection = Selection.LAST;
  private Optional<TrackingSettings> tracking = Optional.empty();
  private RunTemplates templates = RunTemplates.NONE;
  private LoraSettings lora = LoraSettings.NONE;

  private TestRequest() {}

  /** Eight rows a step in the order of the file, as TRL's golden runs. */
  static TestRequest dpo(Path model, Path data, Path output, long steps, int ranks) {
    TestRequest request = new TestRequest();
    request.model = model.toString();
    request.data = List.of(data.toString());
    request.output = output.toString();
    request.steps = steps;
    request.ranks = ranks;
    return request;
  }

  private TestRequest with(Consumer<TestRequest> change) {
    try {
      TestRequest copy = (TestRequest) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  TestRequest algorithm(Algorithm value) {
    return objective((AlgorithmSettings) SettingsOf.type(value.settings()).standard());
  }

  /** An algorithm with its loss. */
  TestRequest algorithm(Algorithm value, String lossType, double beta) {
    Map<String, Object> given = Map.of("loss-type", List.of(lossType), "beta", beta);
    return objective(
        (AlgorithmSettings)
            SettingsOf.type(value.settings())
                .read(
                    option ->
                        given.containsKey(option.name())
                            ? List.of(given.get(option.name()))
                            : option.standardValues(),
                    problem -> {
                      throw new AssertionError(problem);
                    }));
  }

  TestRequest objective(AlgorithmSettings value) {
    return with(r -> r.objective = value);
  }

  TestRequest beta(double value) {
    return algorithm(DpoAlgorithm.DPO, "sigmoid", value);
  }

  /** Sources, each with its weight behind a colon or none of them with one. */
  TestRequest data(List<String> sources) {
    return with(r -> r.data = sources);
  }

  TestRequest evalData(Path value) {
    return with(r -> r.evalData = List.of(value.toString()));
  }

  TestRequest evalSplit(EvalSplit value) {
    return with(r -> r.evalSplit = Optional.of(value));
  }

  TestRequest packed() {
    return objective(
        new SftAlgorithm.Settings(SupervisedOn.COMPLETION, LossOn.COMPLETION, Packing.BFD));
  }

  TestRequest model(String value) {
    return with(r -> r.model = value);
  }

  TestRequest output(Path value) {
    return with(r -> r.output = value.toString());
  }

  TestRequest cache(Optional<String> value) {
    return with(r -> r.cache = value);
  }

  TestRequest threads(int value) {
    return with(r -> r.threads = value);
  }

  TestRequest batch(int value) {
    return with(r -> r.batch = value);
  }

  TestRequest optimizer(OptimizerSettings value) {
    return with(r -> r.optimizer = value);
  }

  TestRequest maxLength(int value) {
    return with(r -> r.maxLength = value);
  }

  TestRequest evalSteps(long value) {
    return with(r -> r.evalSteps = value);
  }

  TestRequest saveSteps(long value) {
    return with(r -> r.saveSteps = value);
  }

  TestRequest start(Start value) {
    return with(r -> r.start = value);
  }

  TestRequest maxBadRows(long value) {
    return with(r -> r.maxBadRows = value);
  }

  TestRequest badSteps(BadSteps value) {
    return with(r -> r.badSteps = value);
  }

  TestRequest selection(Selection value) {
    return with(r -> r.selection = value);
  }

  TestRequest lora(LoraSettings value) {
    return with(r -> r.lora = value);
  }

  TestRequest templates(RunTemplates value) {
    return with(r -> r.templates = value);
  }

  TestRequest tracking(TrackingSettings value) {
    return with(r -> r.tracking = Optional.of(value));
  }

  TrainingRequest build() {
    return new TrainingRequest(
        new FileSettings(
            model, data, evalData, evalSplit, List.of(), Optional.empty(), output, cache),
        objective,
        new BatchSettings(
            1.0,
            OptionalLong.of(steps),
            batch,
            OptionalInt.of(3),
            8192,
            ActivationMemory.KEEP,
            7,
            Order.INPUT),
        lora,
        optimizer,
        new LengthSettings(
            OptionalInt.of(maxLength),
            OptionalInt.empty(),
            Truncation.KEEP_START,
            CountOrShare.ofCount(maxBadRows)),
        templates,
        new SavingSettings(
            evalSteps,
            selection,
            badSteps,
            saveSteps,
            0,
            0,
            start == Start.RESUME,
            start == Start.OVERWRITE),
        new ClusterSettings(
            ranks,
            threads,
            DeviceChoice.AUTO,
            ComputeDtype.F32,
            ClusterSettings.WeightDtype.F32,
            ShardSize.STANDARD,
            SettingsOf.type(RestartSettings.class).standard()),
        tracking);
  }
}
