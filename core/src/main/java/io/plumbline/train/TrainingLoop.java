package io.plumbline.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.collective.Collective;
import io.plumbline.collective.OverlappedAllReduce;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.TrainedModel;
import io.plumbline.model.TrainingPass;
import io.plumbline.optim.Optimizer;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.tensor.Segment;
import io.plumbline.train.LoopOutcome.Ending;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The training loop of one rank, the same for every method.
 *
 * <p>A step: read this rank's rows; learn what the method must know of the whole batch; forward and
 * backward by micro-batch, adding up unscaled gradients; while the last micro-batch's backward
 * walks from the head to the embedding, the ring adds up each finished segment over the ranks;
 * divide by the global count; clip; update. Every rank holds all weights and does the same update
 * on the same bits.
 */
public final class TrainingLoop<P, V, G> {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  /** A run whose steps are all bad is not trained by leaving them out. */
  private static final int MOST_BAD_STEPS_IN_A_ROW = 10;

  private static final int NAMED_ROWS = 8;

  private final TrainedModel<V, G> model;
  private final TrainingMethod<P, V, G> method;
  private final StepFeed<P> feed;
  private final Optional<Evaluation> evaluation;
  private final LoopSettings settings;
  private final TrainingStateStore states;
  private final Rank rank;
  private final Collective collective;
  private final TrainingObserver observer;

  private final SameWeights sameWeights;
  private final Sums sums;
  private final LoopProgress progress = new LoopProgress();
  private long tokensInStep;
  private boolean askedToStop;

  /** Whether model, rows and state have been read. */
  private boolean begun;

  /**
   * A loop over written rows.
   *
   * @param held rows to evaluate on
   */
  public static <V, G> TrainingLoop<NoColumns, V, G> onShards(
      TrainedModel<V, G> model,
      TrainingMethod<NoColumns, V, G> method,
      CanonicalShards shards,
      Optional<CanonicalShards> held,
      LoopSettings settings,
      TrainingStateStore states,
      Rank rank) {
    return new TrainingLoop<>(
        model,
        method,
        new ShardFeed(shards, rank.collective()),
        held.map(rows -> new HeldOutLoss<>(model, method, rows, settings, rank)),
        settings,
        states,
        rank);
  }

  /** A loop over rows from anywhere. */
  public TrainingLoop(
      TrainedModel<V, G> model,
      TrainingMethod<P, V, G> method,
      StepFeed<P> feed,
      Optional<? extends Evaluation> evaluation,
      LoopSettings settings,
      TrainingStateStore states,
      Rank rank) {
    this.model = model;
    this.method = method;
    this.feed = feed;
    this.evaluation = evaluation.map(held -> (Evaluation) held);
    this.settings = settings;
    this.states = states;
    this.rank = rank;
    this.collective = rank.collective();
    this.observer = rank.observer();
    this.sameWeights = new SameWeights(model.segments(), collective);
    this.sums = new Sums(method.sums(), method.ranges());
  }

  /**
   * Trains from the newest complete training state, or from the start, to the last step, or until
   * the chosen metric gets no better. The model holds the chosen weights then.
   */
  public LoopOutcome run() {
    OptimizerSettings rates = settings.optimizer();
    long steps = feed.steps();
    try (feed;
        Optimizer optimizer = Optimizer.of(model.segments(), rates, model.computeDtype());
        OverlappedAllReduce allReduce = new OverlappedAllReduce(collective)) {
      long firstStep = restore(optimizer);
      begun = true;
      sameWeights.requireAtStart();
      if (firstStep == 0) {
        requireMetric(evaluate(0));
      }
      long done = firstStep;
      long lastRest = firstStep;
      while (done < steps && !progress.stoppedEarly) {
        long step = done;
        long start = System.nanoTime();
        observer.checkInterrupted();
        model.begin(feed.draw(step));
        WholeBatch<P> batch =
            WholeBatch.gather(method, model, feed.batch(step), collective, this::microBatches);
        P columns = batch.columns();

        gradients(batch, optimizer, allReduce);
        double norm = addUpOverRanks(optimizer.gradientNorm());
        double normalizer = method.normalizer(columns, sums);
        double gradientNorm = norm / normalizer;
        double learningRate =
            rates.learningRate() * rates.schedule().factor(step, rates.warmupSteps(), steps);
        done = step + 1;
        // The same bits on every rank, so every rank comes to the same verdict.
        if (!sums.finite() || !Double.isFinite(gradientNorm)) {
          report(step, columns, gradientNorm, learningRate, (System.nanoTime() - start) / 1e9);
          leaveOut(step, batch, optimizer);
        } else if (method.stopsUpdates(sums)) {
          report(step, columns, gradientNorm, 0, (System.nanoTime() - start) / 1e9);
          done = Math.min(steps, feed.nextRest(done));
        } else {
          // With dropout the pass that learns differs from those that it is compared with.
          if (feed.begins(step) && !model.hasDropout()) {
            method.checkBeforeFirstUpdate(sums);
          }
          double clip = Math.min(1.0, rates.maxGradNorm() / (gradientNorm + 1e-6));
          optimizer.step(learningRate, clip / normalizer);
          progress.updates++;
          progress.badStepsInARow = 0;
          report(step, columns, gradientNorm, learningRate, (System.nanoTime() - start) / 1e9);
        }

        boolean last = done == steps;
        if (!last && feed.nextRest(done) != done) {
          continue;
        }
        if (askedToStop && !last) {
          save(done, optimizer);
          return new LoopOutcome(firstStep, done, OptionalLong.empty(), Ending.INTERRUPTED);
        }
        boolean save = last || isDue(lastRest, done, settings.saveSteps());
        if (last || isDue(lastRest, done, settings.evalSteps())) {
          save |= select(done, evaluate(done));
        }
        if (save) {
          save(done, optimizer);
        }
        lastRest = done;
      }
      return new LoopOutcome(
          firstStep,
          done,
          takeBest(done),
          progress.stoppedEarly ? Ending.STOPPED_EARLY : Ending.COMPLETE);
    } catch (PlumblineException e) {
      throw begun ? passing(e) : e;
    }
  }

  /** Files and credentials that were there when training began may be there again. */
  private static PlumblineException passing(PlumblineException e) {
    boolean mayPass = e.code() == ErrorCode.INPUT_NOT_FOUND || e.code() == ErrorCode.CLUSTER_UNFIT;
    return mayPass ? new PlumblineException(ErrorCode.STORAGE_FAILED, e.getMessage(), e) : e;
  }

  /** Whether a multiple of {@code every} steps was reached since the last rest. */
  private static boolean isDue(long lastRest, long done, long every) {
    return every > 0 && done / every > lastRest / every;
  }

  private List<MicroBatch> microBatches(List<TokenizedRow> rows) {
    return MicroBatches.split(rows, settings);
  }

  /** Fills every segment's gradients with the sum over this rank's rows, then over all ranks. */
  private void gradients(WholeBatch<P> batch, Optimizer optimizer, OverlappedAllReduce allReduce) {
    sums.clear();
    tokensInStep = 0;
    optimizer.clearGradients();
    BatchLoss<V, G> loss = method.loss(batch);
    List<MicroBatch> batches = microBatches(batch.learned());
    for (int i = 0; i < batches.size(); i++) {
      boolean lastBatch = i == batches.size() - 1;
      learn(
          batches.get(i),
          batch.columns(),
          loss,
          lastBatch ? segment -> submit(segment, allReduce) : segment -> {});
      for (TokenizedRow row : batches.get(i).rows()) {
        tokensInStep += tokensAsSequences(row);
      }
      observer.checkInterrupted();
    }
    if (batches.isEmpty()) {
      // A rank without rows this step still takes part in every all-reduce, in the same order.
      for (int s = model.segments().size() - 1; s >= 0; s--) {
        submit(model.segments().get(s), allReduce);
      }
    }
    allReduce.awaitAll(rank.deadline());
    if (collective.worldSize() > 1) {
      model.segments().forEach(Segment::storeGradients);
    }
  }

  /** A rank alone has all rows: its gradients need not leave the device that they are on. */
  private void submit(Segment segment, OverlappedAllReduce allReduce) {
    if (collective.worldSize() > 1) {
      segment.gradients().buffers().forEach(allReduce::submit);
    }
  }

  /** Forward and backward of one micro-batch; adds to sums and gradients. */
  private void learn(MicroBatch rows, P columns, BatchLoss<V, G> loss, Consumer<Segment> onFinal) {
    try (TrainingPass<V, G> pass =
        model.forward(
            rows.rows(), i -> method.isValued(columns, rows.slot(i)), settings.activations())) {
      pass.backward(loss.accumulate(rows, pass.values(), sums), onFinal);
    }
  }

  /**
   * Adds up what ranks counted.
   *
   * @param norm of the gradients, as this rank computes it
   * @return as rank 0 does: another rank's machine may add in another order, and would clip by
   *     another factor
   */
  private double addUpOverRanks(double norm) {
    sums.addUpOver(collective);
    double[] tokens = {tokensInStep, observer.isAskedToStop() ? 1 : 0, rank.isFirst() ? norm : 0};
    collective.allReduceSum(tokens);
    tokensInStep = (long) tokens[0];
    // Summed, so that all ranks end at the same step.
    askedToStop |= tokens[1] > 0;
    progress.tokens += tokensInStep;
    return tokens[2];
  }

  /** Follows a step whose loss or gradient is not finite, before any weight has changed. */
  private void leaveOut(long step, WholeBatch<P> batch, Optimizer optimizer) {
    String sentence =
        "The loss or the gradient of step "
            + (step + 1)
            + " is not finite, and no weight was changed: "
            + culprits(step, batch, optimizer);
    if (settings.badSteps() == LoopSettings.BadSteps.STOP) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          sentence + ", or leave such steps out by --on-bad-step skip and --resume.");
    }
    progress.badSteps++;
    progress.badStepsInARow++;
    if (progress.badStepsInARow >= MOST_BAD_STEPS_IN_A_ROW) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          sentence
              + "; it is the "
              + MOST_BAD_STEPS_IN_A_ROW
              + "th such step in a row, so leaving them out trains nothing.");
    }
    if (rank.isFirst()) {
      observer.note(sentence + ". The step was left out.");
    }
  }

  /**
   * Which rows make the step's loss or gradient infinite or NaN: each rank takes each of its rows
   * alone. A part of a sentence, the same on every rank.
   */
  private String culprits(long step, WholeBatch<P> batch, Optimizer optimizer) {
    double[] found = new double[batch.total()];
    boolean inSurvey =
        Arrays.stream(batch.survey())
            .anyMatch(numbers -> !Arrays.stream(numbers).allMatch(Double::isFinite));
    BatchLoss<V, G> loss = method.loss(batch);
    for (int slot = 0; slot < batch.learned().size(); slot++) {
      TokenizedRow row = batch.learned().get(slot);
      int place = batch.place(slot);
      boolean bad;
      if (inSurvey) {
        bad = !Arrays.stream(batch.survey()[place]).allMatch(Double::isFinite);
      } else {
        sums.clear();
        optimizer.clearGradients();
        learn(MicroBatch.of(row, slot), batch.columns(), loss, segment -> {});
        bad = !sums.finite() || !Double.isFinite(optimizer.gradientNorm());
      }
      found[place] = bad ? row.index() + 1.0 : 0;
      observer.checkInterrupted();
    }
    collective.allReduceSum(found);
    List<Long> rows =
        Arrays.stream(found).filter(index -> index > 0).mapToObj(i -> (long) i - 1).toList();
    if (rows.isEmpty()) {
      return "no row of the step does so alone; lower the learning rate";
    }
    if (rows.size() == found.length && rows.size() > 1) {
      return "every one of its "
          + rows.size()
          + " rows does so alone, so the weights have diverged; lower the learning rate";
    }
    observer.culprits(step + 1, rows);
    String named =
        rows.stream().limit(NAMED_ROWS).map(String::valueOf).collect(Collectors.joining(", "));
    return (rows.size() == 1 ? "row " + named + " does" : "rows " + named + " do")
        + " so alone"
        + (rows.size() > NAMED_ROWS ? ", with " + (rows.size() - NAMED_ROWS) + " more" : "")
        + " (rows trained on, counted from 0); look at "
        + (rows.size() == 1 ? "it" : "them")
        + ", lower the learning rate";
  }

  private void report(
      long step, P columns, double gradientNorm, double learningRate, double seconds) {
    if (!rank.isFirst()) {
      return;
    }
    Map<String, Double> line = new LinkedHashMap<>();
    line.put("step", (double) (step + 1));
    line.put("epoch", feed.epochs(step + 1));
    line.putAll(method.metrics(columns, sums));
    line.putAll(feed.metrics());
    line.put("grad_norm", gradientNorm);
    line.put("learning_rate", learningRate);
    line.put("num_tokens", (double) progress.tokens);
    line.put("tokens_per_second", tokensInStep / seconds);
    line.put("step_time", seconds);
    observer.metrics(line);
  }

  /** Metrics of held-out rows. The same on every rank; empty where nothing is held out. */
  private Map<String, Double> evaluate(long step) {
    if (evaluation.isEmpty()) {
      return Map.of();
    }
    long start = System.nanoTime();
    Map<String, Double> line = new LinkedHashMap<>();
    line.put("step", (double) step);
    line.put("epoch", feed.epochs(step));
    evaluation.get().run().forEach((name, value) -> line.put("eval_" + name, value));
    line.put("eval_runtime", (System.nanoTime() - start) / 1e9);
    if (rank.isFirst()) {
      observer.metrics(line);
    }
    return line;
  }

  private void requireMetric(Map<String, Double> evaluation) {
    String metric = settings.selection().metric();
    if (!settings.selection().isByMetric() || evaluation.containsKey(metric)) {
      return;
    }
    throw new PlumblineException(
        ErrorCode.BAD_USAGE,
        "The metric for the best model is "
            + metric
            + ", which evaluation does not give: take one of "
            + evaluation.keySet().stream()
                .filter(name -> name.startsWith("eval_") && !name.equals("eval_runtime"))
                .collect(Collectors.joining(", "))
            + ".");
  }

  /** Takes note of an evaluation; true where its state must be kept. */
  private boolean select(long step, Map<String, Double> evaluation) {
    LoopSettings.Selection selection = settings.selection();
    if (!selection.isByMetric()) {
      return false;
    }
    double value = evaluation.get(selection.metric());
    if (Double.isFinite(value)
        && (progress.bestStep == 0 || selection.improves(value, progress.best))) {
      progress.best = value;
      progress.bestStep = step;
      progress.evaluationsSinceBest = 0;
      return true;
    }
    progress.evaluationsSinceBest++;
    if (selection.patience() > 0 && progress.evaluationsSinceBest >= selection.patience()) {
      progress.stoppedEarly = true;
      if (rank.isFirst()) {
        observer.note(
            selection.metric()
                + " was best at step "
                + progress.bestStep
                + " ("
                + progress.best
                + "), and "
                + progress.evaluationsSinceBest
                + " evaluations since were not better: training ends at step "
                + step
                + ".");
      }
      return true;
    }
    return false;
  }

  /** Gives the model the weights of the best evaluation. */
  private OptionalLong takeBest(long done) {
    if (progress.bestStep == 0) {
      return OptionalLong.empty();
    }
    if (progress.bestStep != done) {
      readWeights(states.at(progress.bestStep));
    }
    return OptionalLong.of(progress.bestStep);
  }

  private void readWeights(TrainingStateStore.Snapshot snapshot) {
    for (Segment segment : model.segments()) {
      segment.fillValues(values -> snapshot.read("values/" + segment.name(), values));
    }
  }

  /** Continues from the newest state that every rank can read whole. */
  private long restore(Optimizer optimizer) {
    Optional<Restoring.Restored> restored =
        new Restoring(states, collective, observer)
            .newest(
                snapshot -> {
                  readWeights(snapshot);
                  ObjectNode state = snapshot.json("state");
                  progress.restore(state);
                  optimizer.restore(progress.updates, snapshot::read);
                  return state;
                });
    long step = restored.map(Restoring.Restored::step).orElse(0L);
    // States that were written before there were feeds have none.
    feed.goTo(
        step,
        restored.map(found -> found.state().get("feed")).orElse(null) instanceof ObjectNode saved
            ? saved
            : JsonNodeFactory.instance.objectNode());
    observer.begins(step);
    LOG.info("Rank {} continues from step {}", collective.rank(), step);
    return step;
  }

  private void save(long step, Optimizer optimizer) {
    sameWeights.requireAfter(step);
    if (rank.isFirst()) {
      try (TrainingStateStore.Writer writer = states.begin(step)) {
        for (Segment segment : model.segments()) {
          writer.values("values/" + segment.name(), segment.values());
        }
        optimizer.save(writer::values);
        ObjectNode state = progress.json(step, collective.worldSize());
        state.set("feed", feed.state());
        writer.json("state", state);
        observer.beforeStateIsVisible();
        writer.commit();
      }
      if (settings.keepCheckpoints() > 0) {
        states.retain(
            settings.keepCheckpoints(),
            progress.bestStep > 0 ? Set.of(progress.bestStep) : Set.of());
      }
    }
    collective.barrier();
  }

  /** A row's tokens as TRL counts them: the prompt once for each completion. */
  private static long tokensAsSequences(TokenizedRow row) {
    return row.tokens() + (long) row.prompt().length * (row.completions().size() - 1);
  }
}
