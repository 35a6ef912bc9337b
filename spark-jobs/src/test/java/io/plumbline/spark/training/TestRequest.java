package io.plumbline.spark.training;

import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.data.LossOn;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.RowOrder;
import io.plumbline.spark.training.TrainingRequest.RowPacking;
import io.plumbline.spark.training.TrainingRequest.Rows;
import io.plumbline.spark.training.TrainingRequest.SupervisedOn;
import io.plumbline.spark.training.TrainingRequest.Truncation;
import io.plumbline.spark.training.TrainingRequest.WeightDtype;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/** Requests for tests of whole jobs: each setter gives another request, with one thing changed. */
final class TestRequest implements Cloneable {
  private Algorithm algorithm = Algorithm.DPO;
  private String model;
  private List<String> data;
  private List<Double> weights = List.of();
  private List<String> evalData = List.of();
  private Optional<EvalSplit> evalSplit = Optional.empty();
  private LossOn lossOn = LossOn.COMPLETION;
  private RowPacking packing = RowPacking.OFF;
  private String output;
  private Optional<String> cache = Optional.empty();
  private int ranks;
  private int threads = 1;
  private long steps;
  private int batch = 8;
  private OptimizerSettings optimizer =
      new OptimizerSettings(1e-3, Schedule.LINEAR, 4, 0, 1.0, 0.9, 0.999, 1e-8);
  private int maxLength = 128;
  private long evalSteps;
  private long saveSteps;
  private Start start = Start.FRESH;
  private ObjectiveSettings objective = ObjectiveSettings.of("sigmoid", 0.1);
  private Optional<RolloutSettings> rollouts = Optional.empty();
  private long maxBadRows;
  private BadSteps badSteps = BadSteps.STOP;
  private Selection selection = Selection.LAST;
  private Optional<TrackingSettings> tracking = Optional.empty();
  private RunTemplates templates = RunTemplates.NONE;

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
    return with(r -> r.algorithm = value);
  }

  /** An algorithm with its loss. */
  TestRequest algorithm(Algorithm value, String lossType, double beta) {
    return with(
        r -> {
          r.algorithm = value;
          r.objective = ObjectiveSettings.of(lossType, beta);
        });
  }

  TestRequest rollouts(RolloutSettings value) {
    return with(
        r -> {
          r.algorithm = Algorithm.GRPO;
          r.rollouts = Optional.of(value);
        });
  }

  TestRequest objective(ObjectiveSettings value) {
    return with(r -> r.objective = value);
  }

  TestRequest beta(double value) {
    return with(r -> r.objective = ObjectiveSettings.of("sigmoid", value));
  }

  TestRequest data(List<String> sources, List<Double> sourceWeights) {
    return with(
        r -> {
          r.data = sources;
          r.weights = sourceWeights;
        });
  }

  TestRequest evalData(Path value) {
    return with(r -> r.evalData = List.of(value.toString()));
  }

  TestRequest evalSplit(EvalSplit value) {
    return with(r -> r.evalSplit = Optional.of(value));
  }

  TestRequest lossOn(LossOn value) {
    return with(r -> r.lossOn = value);
  }

  TestRequest packed() {
    return with(r -> r.packing = RowPacking.BFD);
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

  TestRequest templates(RunTemplates value) {
    return with(r -> r.templates = value);
  }

  TestRequest tracking(TrackingSettings value) {
    return with(r -> r.tracking = Optional.of(value));
  }

  TrainingRequest build() {
    return new TrainingRequest(
        algorithm,
        model,
        new Rows(
            data,
            weights,
            evalData,
            evalSplit,
            SupervisedOn.COMPLETION,
            lossOn,
            packing,
            List.of(),
            Optional.empty(),
            templates),
        output,
        cache,
        ranks,
        threads,
        DeviceChoice.AUTO,
        7,
        OptionalLong.of(steps),
        1.0,
        batch,
        OptionalInt.of(3),
        8192,
        optimizer,
        OptionalInt.of(maxLength),
        OptionalInt.empty(),
        Truncation.KEEP_START,
        RowOrder.AS_GIVEN,
        evalSteps,
        saveSteps,
        0,
        start,
        ComputeDtype.F32,
        WeightDtype.F32,
        objective,
        rollouts,
        new BadRows(OptionalLong.of(maxBadRows), 0),
        badSteps,
        selection,
        tracking);
  }
}
