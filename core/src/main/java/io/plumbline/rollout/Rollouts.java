package io.plumbline.rollout;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.advantage.Advantages;
import io.plumbline.data.CanonicalShards;
import io.plumbline.model.SamplingSettings;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.reward.FailureLimit;
import io.plumbline.reward.OverlongPenalty;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.statistics.Moments;
import io.plumbline.train.Rank;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.RolloutColumns.Age;
import io.plumbline.train.StepBatch;
import io.plumbline.train.StepFeed;
import io.plumbline.train.TrustRegion;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleFunction;

/**
 * The rows of a run that learns from what its own policy writes.
 *
 * <p>A phase of rollouts: read the prompts of some steps; sample a group for each with the present
 * weights; score; gather the scores of all ranks; advantages; keep the groups to learn from; write
 * the ledger. Then come the phase's steps, which take the groups in turn, as often as there are
 * iterations. Everything that a phase decides, it decides from gathered numbers, so it is the same
 * at every world size.
 */
public final class Rollouts implements StepFeed<RolloutColumns> {
  /**
   * @param objective the loss of a completion, by the present KL coefficient
   * @param advantages how rewards become advantages
   * @param sampling how completions are drawn; its {@code completions} is the size of a group
   * @param truncated what becomes of completions that reached the greatest length
   * @param overlong the penalty of completions that come near the greatest length
   * @param mostTokens of a group in one forward pass
   * @param failures rewards that may fail
   */
  public record Settings(
      DoubleFunction<RolloutObjective> objective,
      Advantages.Settings advantages,
      Schedule schedule,
      SamplingSettings sampling,
      Truncated truncated,
      Optional<OverlongPenalty> overlong,
      Distance distance,
      int mostTokens,
      FailureLimit failures) {

    /** Completions that were learned from by the end of the phase that begins after a step. */
    long completionsAfter(long step) {
      return (step / schedule.stepsPerPhase() + 1)
          * schedule.promptsPerPhase()
          * sampling.completions();
    }
  }

  /**
   * How many prompts a phase samples, and how often it learns from them.
   *
   * @param promptsPerStep prompts of one update, over all ranks
   * @param stepsPerGeneration updates that one pass over a phase's rollouts makes
   * @param iterations passes over a phase's rollouts
   * @param rounds how often more prompts are sampled, at most, in a phase whose groups do not
   *     differ in reward; 1 to learn from such groups as they are
   */
  public record Schedule(int promptsPerStep, int stepsPerGeneration, int iterations, int rounds) {
    int stepsPerPhase() {
      return stepsPerGeneration * iterations;
    }

    int promptsPerPhase() {
      return promptsPerStep * stepsPerGeneration;
    }
  }

  /**
   * What the distance to the reference costs.
   *
   * @param klIn where it is charged
   * @param klEstimator of the distance that a reward is charged with, summed over its tokens
   * @param klBudget how far the policy may be from the reference, in nats a completion: near its
   *     limit a phase's updates lower the distance too, and outside they do nothing else
   */
  public record Distance(KlIn klIn, KlEstimator klEstimator, TrustRegion klBudget) {}

  /** What becomes of completions that were cut off at the greatest length. */
  public enum Truncated {
    LEARNED,
    /** None of their tokens counts: DAPO's overlong filtering. */
    MASKED
  }

  /** Where the distance to the reference is charged. */
  public enum KlIn {
    /** As a term of the loss, by token: GRPO. */
    LOSS,
    /** Taken off the reward, by completion: RLOO, PPO. */
    REWARD
  }

  private final Settings settings;
  private final Schedule schedule;
  private final RolloutSampler sampler;
  private final Controllers controllers;
  private final CanonicalShards prompts;
  private final Ledger ledger;
  private final Rank rank;

  private final Worth worth;
  private final Credit credit;
  private final GroupRows passes;
  private final PromptDraws draws;
  private final PhaseSampling sampling;
  private final FailedRewards failed;

  private PhaseRows rows;
  private Map<String, Double> metrics = Map.of();

  /**
   * @param critic says what tokens are learned for; empty to compare completions within groups
   * @param prompts a batch holds the prompts of a phase, or a pool that a curriculum chooses from
   */
  public Rollouts(
      Settings settings,
      RolloutSampler sampler,
      Optional<CriticCredit> critic,
      Controllers controllers,
      CanonicalShards prompts,
      Ledger ledger,
      Rank rank) {
    this.settings = settings;
    this.schedule = settings.schedule();
    this.sampler = sampler;
    this.controllers = controllers;
    this.prompts = prompts;
    this.ledger = ledger;
    this.rank = rank;
    this.worth = new Worth(settings, sampler, controllers);
    this.credit = critic.isPresent() ? critic.get() : new GroupBaseline(settings.advantages());
    this.passes =
        new GroupRows(settings.sampling().temperature(), settings.mostTokens(), rank.observer());
    this.draws =
        new PromptDraws(
            prompts, controllers.curriculum(), schedule.promptsPerPhase(), rank.collective());
    this.sampling = new PhaseSampling(draws, credit, worth, passes, rank);
    this.failed = new FailedRewards(settings.failures());
  }

  // Rows of steps.

  @Override
  public long steps() {
    return prompts.plan().steps() / schedule.rounds() * schedule.stepsPerPhase();
  }

  @Override
  public double epochs(long steps) {
    return (double) steps / schedule.stepsPerPhase() / prompts.plan().stepsPerEpoch();
  }

  @Override
  public boolean begins(long step) {
    return step % schedule.stepsPerPhase() == 0;
  }

  /** A ratio compares with the policy before the phase's first update, on the same draw. */
  @Override
  public long draw(long step) {
    return step - step % schedule.stepsPerPhase();
  }

  /** Between phases nothing is under way. */
  @Override
  public long nextRest(long steps) {
    long phase = schedule.stepsPerPhase();
    return (steps + phase - 1) / phase * phase;
  }

  @Override
  public StepBatch<RolloutColumns> batch(long step) {
    metrics = begins(step) ? rollOut(step) : Map.of();
    int turn = (int) (step % schedule.stepsPerPhase()) % schedule.stepsPerGeneration();
    return rows.batch(turn, begins(step) ? Age.FRESH : Age.LEARNED_FROM);
  }

  @Override
  public Map<String, Double> metrics() {
    return metrics;
  }

  /**
   * A phase: what is sampled and scored is credited and becomes rows, and then is told and
   * measured.
   *
   * @param step before it
   * @return what is to be reported of it
   */
  private Map<String, Double> rollOut(long step) {
    Phase phase = sampling.sample(step);
    List<Kept> kept = phase.ownKept(settings);
    List<GroupCredit> credits = credit.credit(phase, kept, worth, passes, rank.collective());
    rows = rows(kept, credits);

    Map<String, Double> ofCredit = credit.metrics(phase, worth);
    // Decides from the next phase on, as does the measured distance from the reference below.
    controllers.constraints().update(meanCosts(phase));
    Map<String, Double> reported = PhaseMetrics.of(phase, worth, ofCredit);
    new PhaseLedger(ledger, worth, rank.collective()).write(phase, kept, credits);
    failed.add(phase);
    if (sampler.reference().isPresent()) {
      double[] logRatios = phase.column(CompletionNumbers::logRatio);
      controllers.kl().update(Arrays.stream(logRatios).average().orElse(0), logRatios.length);
    }
    return reported;
  }

  private PhaseRows rows(List<Kept> kept, List<GroupCredit> credits) {
    List<Group> groups = kept.stream().map(Kept::group).toList();
    // With one update a phase, its own log-probabilities are the old ones.
    List<List<float[]>> old =
        schedule.stepsPerPhase() > 1
            ? passes.trainedLogps(sampler.policy(), groups)
            : Collections.nCopies(groups.size(), List.of());
    PhaseRows made =
        new PhaseRows(
            settings.objective().apply(controllers.kl().coefficient()),
            schedule.stepsPerGeneration());
    for (int n = 0; n < kept.size(); n++) {
      made.add(kept.get(n), credits.get(n), old.get(n), passes);
    }
    return made;
  }

  private double[] meanCosts(Phase phase) {
    int first = sampler.rewards().names().size();
    double[] means = new double[sampler.costs().names().size()];
    for (int c = 0; c < means.length; c++) {
      int function = first + c;
      means[c] = Moments.of(phase.column(row -> row.scores()[function])).mean();
    }
    return means;
  }

  // What is saved between phases.

  @Override
  public void goTo(long steps, ObjectNode state) {
    failed.goTo(state.path("failed").asLong());
    if (steps > 0) {
      controllers.restore(state);
    }
    if (rank.isFirst()) {
      ledger.truncateAfter(steps);
    }
    rank.collective().barrier();
    draws.goTo(state.path("batches_read").asLong());
  }

  @Override
  public ObjectNode state() {
    ObjectNode state = JsonNodeFactory.instance.objectNode();
    state.put("batches_read", draws.batchesRead());
    state.put("failed", failed.inAll());
    controllers.save(state);
    return state;
  }

  @Override
  public void close() {
    draws.close();
  }
}
