package io.plumbline.spark.training;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Schedule;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.RowOrder;
import io.plumbline.spark.training.TrainingRequest.Start;
import io.plumbline.spark.training.TrainingRequest.SupervisedOn;
import io.plumbline.spark.training.TrainingRequest.Truncation;
import io.plumbline.spark.training.TrainingRequest.WeightDtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The settings that tests of whole jobs vary. */
record TestRequest(
    Algorithm algorithm,
    Path model,
    Path data,
    List<String> evalData,
    Path output,
    Optional<String> cache,
    int ranks,
    int threads,
    long steps,
    int batch,
    OptimizerSettings optimizer,
    OptionalInt maxLength,
    long saveSteps,
    Start start,
    double beta) {

  /** Eight rows a step in the order of the file, as TRL's golden runs. */
  static TestRequest dpo(Path model, Path data, Path output, long steps, int ranks) {
    return new TestRequest(
        Algorithm.DPO,
        model,
        data,
        List.of(),
        output,
        Optional.empty(),
        ranks,
        1,
        steps,
        8,
        new OptimizerSettings(1e-3, Schedule.LINEAR, 4, 0, 1.0, 0.9, 0.999, 1e-8),
        OptionalInt.of(128),
        0,
        Start.FRESH,
        0.1);
  }

  TestRequest algorithm(Algorithm value) {
    return new TestRequest(
        value, model, data, evalData, output, cache, ranks, threads, steps, batch, optimizer,
        maxLength, saveSteps, start, beta);
  }

  TestRequest output(Path value) {
    return new TestRequest(
        algorithm, model, data, evalData, value, cache, ranks, threads, steps, batch, optimizer,
        maxLength, saveSteps, start, beta);
  }

  TestRequest cache(Optional<String> value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, value, ranks, threads, steps, batch, optimizer,
        maxLength, saveSteps, start, beta);
  }

  TestRequest threads(int value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, value, steps, batch, optimizer,
        maxLength, saveSteps, start, beta);
  }

  TestRequest batch(int value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, threads, steps, value, optimizer,
        maxLength, saveSteps, start, beta);
  }

  TestRequest optimizer(OptimizerSettings value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, threads, steps, batch, value,
        maxLength, saveSteps, start, beta);
  }

  TestRequest saveSteps(long value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, threads, steps, batch, optimizer,
        maxLength, value, start, beta);
  }

  TestRequest start(Start value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, threads, steps, batch, optimizer,
        maxLength, saveSteps, value, beta);
  }

  TestRequest beta(double value) {
    return new TestRequest(
        algorithm, model, data, evalData, output, cache, ranks, threads, steps, batch, optimizer,
        maxLength, saveSteps, start, value);
  }

  TestRequest evalData(Path value) {
    return new TestRequest(
        algorithm,
        model,
        data,
        List.of(value.toString()),
        output,
        cache,
        ranks,
        threads,
        steps,
        batch,
        optimizer,
        maxLength,
        saveSteps,
        start,
        beta);
  }

  TestRequest maxLength(int value) {
    return new TestRequest(
        algorithm,
        model,
        data,
        evalData,
        output,
        cache,
        ranks,
        threads,
        steps,
        batch,
        optimizer,
        OptionalInt.of(value),
        saveSteps,
        start,
        beta);
  }

  TrainingRequest build() {
    return new TrainingRequest(
        algorithm,
        model.toString(),
        List.of(data.toString()),
        evalData,
        output.toString(),
        cache,
        ranks,
        threads,
        7,
        OptionalLong.of(steps),
        1.0,
        batch,
        OptionalInt.of(3),
        8192,
        optimizer,
        maxLength,
        OptionalInt.empty(),
        Truncation.KEEP_START,
        RowOrder.AS_GIVEN,
        0,
        saveSteps,
        0,
        start,
        ComputeDtype.F32,
        WeightDtype.F32,
        beta,
        new BadRows(OptionalLong.of(0), 0),
        SupervisedOn.COMPLETION);
  }
}
