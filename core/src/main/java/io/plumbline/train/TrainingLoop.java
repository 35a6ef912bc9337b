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
import io.plumbline.model.ActivationMemory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.TokenStatistics;
import io.plumbline.model.TrainingPass;
import io.plumbline.optim.AdamW;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.tensor.Segment;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The training loop of one rank, the same for every method.
 *
 * <p>A step: read this rank's rows; forward and backward by micro-batch, adding up unscaled
 * gradients; while the last micro-batch's backward walks from the head to the embedding, the ring
 * adds up each finished segment over the ranks; divide by the global count; clip; AdamW. Every rank
 * holds all weights and does the same update on the same bits.
 */
public final class TrainingLoop {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  private final CausalLm policy;
  private final TrainingMethod method;
  private final Collective collective;
  private final CanonicalShards shards;
  private final Optional<CanonicalShards> evalShards;
  private final LoopSettings settings;
  private final TrainingStateStore states;
  private final TrainingObserver observer;
  private final Duration deadline;

  private final Sums sums;
  private long tokensSeen;
  private long tokensInStep;

  public TrainingLoop(
      CausalLm policy,
      TrainingMethod method,
      Collective collective,
      CanonicalShards shards,
      Optional<CanonicalShards> evalShards,
      LoopSettings settings,
      TrainingStateStore states,
      TrainingObserver observer,
      Duration deadline) {
    this.policy = policy;
    this.method = method;
    this.collective = collective;
    this.shards = shards;
    this.evalShards = evalShards;
    this.settings = settings;
    this.states = states;
    this.observer = observer;
    this.deadline = deadline;
    this.sums = new Sums(method.sums());
  }

  /**
   * Trains from the newest complete training state, or from the start, to the last step.
   *
   * @return the step that the run began with
   */
  public long run() {
    CanonicalShards.Plan plan = shards.plan();
    OptimizerSettings optimizer = settings.optimizer();
    try (AdamW adamW = new AdamW(policy.segments(), optimizer);
        OverlappedAllReduce allReduce = new OverlappedAllReduce(collective)) {
      long firstStep = restore(adamW);
      if (firstStep == 0) {
        evaluate(0);
      }
      try (CanonicalShards.StepReader reader =
          shards.reader(collective.rank(), collective.worldSize(), firstStep)) {
        for (long step = firstStep; step < plan.steps(); step++) {
          long start = System.nanoTime();
          observer.checkInterrupted();
          List<TokenizedRow> rows = reader.next();

          gradients(rows, adamW, allReduce);
          addUpOverRanks();
          double normalizer = method.normalizer(sums);
          if (step == 0) {
            method.checkBeforeFirstUpdate(sums);
          }

          double gradientNorm = adamW.gradientNorm() / normalizer;
          refuseNonFinite(step, gradientNorm, rows);
          double clip = Math.min(1.0, optimizer.maxGradNorm() / (gradientNorm + 1e-6));
          double learningRate =
              optimizer.learningRate()
                  * optimizer.schedule().factor(step, optimizer.warmupSteps(), plan.steps());
          adamW.step(learningRate, clip / normalizer);

          report(step, gradientNorm, learningRate, (System.nanoTime() - start) / 1e9);
          long done = step + 1;
          boolean last = done == plan.steps();
          if (last || (settings.evalSteps() > 0 && done % settings.evalSteps() == 0)) {
            evaluate(done);
          }
          if (last || (settings.saveSteps() > 0 && done % settings.saveSteps() == 0)) {
            save(done, adamW);
          }
        }
      }
      return firstStep;
    }
  }

  /** Fills every segment's gradients with the sum over this rank's rows, then over all ranks. */
  private void gradients(List<TokenizedRow> rows, AdamW adamW, OverlappedAllReduce allReduce) {
    sums.clear();
    tokensInStep = 0;
    adamW.clearGradients();
    List<List<TokenizedRow>> batches =
        MicroBatches.split(rows, settings.microBatchSize().size(), settings.microBatchTokens());
    for (int i = 0; i < batches.size(); i++) {
      List<TokenizedRow> batch = batches.get(i);
      boolean lastBatch = i == batches.size() - 1;
      Consumer<Segment> onFinal =
          lastBatch ? segment -> allReduce.submit(segment.gradients()) : segment -> {};
      try (TrainingPass pass =
          policy.forward(batch, ActivationMemory.KEEP, TokenStatistics.ENTROPY_AND_ACCURACY)) {
        pass.backward(method.accumulate(batch, pass.tokens(), sums), onFinal);
      }
      for (TokenizedRow row : batch) {
        tokensInStep += tokensAsSequences(row);
      }
      observer.checkInterrupted();
    }
    if (batches.isEmpty()) {
      // A rank without rows this step still takes part in every all-reduce, in the same order.
      for (int s = policy.segments().size() - 1; s >= 0; s--) {
        allReduce.submit(policy.segments().get(s).gradients());
      }
    }
    allReduce.awaitAll(deadline);
  }

  private void addUpOverRanks() {
    collective.allReduceSum(sums.values());
    double[] tokens = {tokensInStep};
    collective.allReduceSum(tokens);
    tokensInStep = (long) tokens[0];
    tokensSeen += tokensInStep;
  }

  private void refuseNonFinite(long step, double gradientNorm, List<TokenizedRow> rows) {
    if (!Double.isFinite(gradientNorm)) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          "The gradient of step "
              + (step + 1)
              + " is not finite, and no weight was changed; rank "
              + collective.rank()
              + " trained on rows "
              + rows.stream().map(r -> String.valueOf(r.index())).toList()
              + ": lower the learning rate, or look at these rows.");
    }
  }

  private void report(long step, double gradientNorm, double learningRate, double seconds) {
    if (collective.rank() != 0) {
      return;
    }
    Map<String, Double> line = new LinkedHashMap<>();
    line.put("step", (double) (step + 1));
    line.put("epoch", (double) (step + 1) / shards.plan().stepsPerEpoch());
    line.putAll(method.metrics(sums));
    line.put("grad_norm", gradientNorm);
    line.put("learning_rate", learningRate);
    line.put("num_tokens", (double) tokensSeen);
    line.put("tokens_per_second", tokensInStep / seconds);
    line.put("step_time", seconds);
    observer.metrics(line);
  }

  /** Loss and metrics on held-out rows, which every world size reads in the same order. */
  private void evaluate(long step) {
    if (evalShards.isEmpty()) {
      return;
    }
    long start = System.nanoTime();
    CanonicalShards held = evalShards.get();
    sums.clear();
    try (CanonicalShards.StepReader reader =
        held.reader(collective.rank(), collective.worldSize(), 0)) {
      for (long s = 0; s < held.plan().steps(); s++) {
        observer.checkInterrupted();
        for (List<TokenizedRow> batch :
            MicroBatches.split(
                reader.next(), settings.microBatchSize().size(), settings.microBatchTokens())) {
          method.accumulate(batch, policy.logps(batch, TokenStatistics.ENTROPY_AND_ACCURACY), sums);
        }
      }
    }
    collective.allReduceSum(sums.values());
    if (collective.rank() == 0) {
      Map<String, Double> line = new LinkedHashMap<>();
      line.put("step", (double) step);
      line.put("epoch", (double) step / shards.plan().stepsPerEpoch());
      method.metrics(sums).forEach((name, value) -> line.put("eval_" + name, value));
      line.put("eval_runtime", (System.nanoTime() - start) / 1e9);
      observer.metrics(line);
    }
  }

  private long restore(AdamW adamW) {
    // Rank 0 decides, so that no rank sees a newer state than another.
    double[] newest = {0};
    if (collective.rank() == 0) {
      newest[0] = states.newest().map(s -> (double) s.step()).orElse(0.0);
    }
    collective.allReduceSum(newest);
    long step = (long) newest[0];
    if (step == 0) {
      return 0;
    }
    TrainingStateStore.Snapshot snapshot = states.at(step);
    for (Segment segment : policy.segments()) {
      snapshot.read("values/" + segment.name(), segment.values());
    }
    adamW.restore(step, snapshot::read);
    tokensSeen = snapshot.json("state").get("num_tokens").asLong();
    LOG.info("Rank {} goes on from step {}", collective.rank(), step);
    return step;
  }

  private void save(long step, AdamW adamW) {
    if (collective.rank() == 0) {
      ObjectNode state = JsonNodeFactory.instance.objectNode();
      state.put("step", step);
      state.put("num_tokens", tokensSeen);
      state.put("world_size", collective.worldSize());
      try (TrainingStateStore.Writer writer = states.begin(step)) {
        for (Segment segment : policy.segments()) {
          writer.buffer("values/" + segment.name(), segment.values());
        }
        adamW.save(writer::buffer);
        writer.json("state", state);
        writer.commit();
      }
      if (settings.keepCheckpoints() > 0) {
        states.retain(settings.keepCheckpoints());
      }
    }
    collective.barrier();
  }

  /** A row's tokens as TRL counts them: the prompt once for each completion. */
  private static long tokensAsSequences(TokenizedRow row) {
    return row.tokens() + (long) row.prompt().length * (row.completions().size() - 1);
  }
}
