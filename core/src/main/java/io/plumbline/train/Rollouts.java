package io.plumbline.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.advantage.Advantages;
import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.KlController;
import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.model.SamplingSettings;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.reward.OverlongPenalty;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.TokenRewards.End;
import io.plumbline.rollout.Curriculum;
import io.plumbline.rollout.TrustRegion;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.statistics.Moments;
import io.plumbline.train.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The rows of a run that learns from what its own policy writes.
 *
 * <p>A phase of rollouts: read the prompts of some steps; sample a group for each with the present
 * weights; score; gather the scores of all ranks; advantages; keep the groups to learn from; write
 * the ledger. Then come the phase's steps, which take the groups in turn, as often as there are
 * iterations. Everything that a phase decides, it decides from gathered numbers, so it is the same
 * at every world size.
 */
public final class Rollouts implements StepFeed, LearnedRollouts {
  /**
   * @param objective the loss of a completion, by the present KL coefficient
   * @param advantages how rewards become advantages
   * @param promptsPerStep prompts of one update, over all ranks
   * @param stepsPerGeneration updates that one pass over a phase's rollouts makes
   * @param iterations passes over a phase's rollouts
   * @param sampling how completions are drawn; its {@code completions} is the size of a group
   * @param truncated what becomes of completions that reached the greatest length
   * @param overlong the penalty of completions that come near the greatest length
   * @param klIn where the distance to the reference is charged
   * @param klEstimator of the distance that a reward is charged with, summed over its tokens
   * @param klBudget how far the policy may be from the reference, in nats a completion: near its
   *     limit a phase's updates lower the distance too, and outside they do nothing else
   * @param rounds how often more prompts are sampled, at most, in a phase whose groups do not
   *     differ in reward; 1 to learn from such groups as they are
   * @param mostTokens of a group in one forward pass
   * @param failures rewards that may fail
   */
  public record Settings(
      DoubleFunction<RolloutObjective> objective,
      Advantages.Settings advantages,
      int promptsPerStep,
      int stepsPerGeneration,
      int iterations,
      SamplingSettings sampling,
      Truncated truncated,
      Optional<OverlongPenalty> overlong,
      KlIn klIn,
      KlEstimator klEstimator,
      TrustRegion klBudget,
      int rounds,
      int mostTokens,
      FailureLimit failures) {

    int stepsPerPhase() {
      return stepsPerGeneration * iterations;
    }

    int promptsPerPhase() {
      return promptsPerStep * stepsPerGeneration;
    }
  }

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

  /**
   * How many rollouts may go without a reward because a reward function failed.
   *
   * @param atMost more of them, in all, end the run
   * @param atMostShare a larger share of a phase's rollouts ends it
   */
  public record FailureLimit(OptionalLong atMost, double atMostShare) {
    /** What helps where so many of all failed: to allow most of them helps nobody. */
    public static String remedy(long failed, long all) {
      return 2 * failed > all
          ? "fix the function, the column that it reads or its parameters."
          : "fix the function, or allow more by --max-failed-rewards.";
    }
  }

  private final Settings settings;
  private final CausalLm policy;
  private final Optional<CausalLm> reference;
  private final RolloutSampler sampler;
  private final CanonicalShards prompts;
  private final Collective collective;
  private final Ledger ledger;
  private final TrainingObserver observer;
  private final GroupRows passes;
  private final KlController kl;
  private final Constraints constraints;
  private final Optional<Curriculum> curriculum;
  private final Optional<CriticCredit> critic;

  private CanonicalShards.StepReader reader;
  private long batchesRead;
  private long failed;

  /** By turn of a phase's steps, this rank's rows to learn from. */
  private List<List<TokenizedRow>> turns = List.of();

  private final IdentityHashMap<TokenizedRow, LearnedRollout> learned = new IdentityHashMap<>();
  private RolloutObjective objective;
  private Map<String, Double> phaseMetrics = Map.of();

  /** Whether no update was made since the rollouts were sampled. */
  private boolean fresh;

  /**
   * @param policy the model that is trained
   * @param reference the model that it is held to, where the settings need one
   * @param prompts a batch holds the prompts of a phase, or a pool that a curriculum chooses from
   * @param critic says what tokens are learned for; empty to compare completions within groups
   */
  public Rollouts(
      Settings settings,
      CausalLm policy,
      Optional<CausalLm> reference,
      RolloutSampler sampler,
      CanonicalShards prompts,
      Collective collective,
      Ledger ledger,
      TrainingObserver observer,
      KlController kl,
      Constraints constraints,
      Optional<Curriculum> curriculum,
      Optional<CriticCredit> critic) {
    this.settings = settings;
    this.policy = policy;
    this.reference = reference;
    this.sampler = sampler;
    this.prompts = prompts;
    this.collective = collective;
    this.ledger = ledger;
    this.observer = observer;
    this.passes = new GroupRows(settings.sampling().temperature(), settings.mostTokens(), observer);
    this.kl = kl;
    this.constraints = constraints;
    this.curriculum = curriculum;
    this.critic = critic;
  }

  // Rows of steps.

  @Override
  public long steps() {
    return prompts.plan().steps() / settings.rounds() * settings.stepsPerPhase();
  }

  @Override
  public double epochs(long steps) {
    Plan plan = prompts.plan();
    return (double) steps / settings.stepsPerPhase() / plan.stepsPerEpoch();
  }

  @Override
  public void goTo(long steps, ObjectNode state) {
    batchesRead = state.path("batches_read").asLong();
    failed = state.path("failed").asLong();
    if (steps > 0) {
      kl.restore((ObjectNode) state.get("kl"));
      constraints.restore((ObjectNode) state.get("constraints"));
      curriculum.ifPresent(measured -> measured.restore((ObjectNode) state.get("curriculum")));
    }
    if (collective.rank() == 0) {
      ledger.truncateAfter(steps);
    }
    collective.barrier();
    reader = prompts.reader(collective.rank(), collective.worldSize(), batchesRead);
  }

  @Override
  public ObjectNode state() {
    ObjectNode state = JsonNodeFactory.instance.objectNode();
    state.put("batches_read", batchesRead);
    state.put("failed", failed);
    state.set("kl", kl.state());
    state.set("constraints", constraints.state());
    curriculum.ifPresent(measured -> state.set("curriculum", measured.state()));
    return state;
  }

  /** Between phases nothing is under way. */
  @Override
  public long nextRest(long steps) {
    long phase = settings.stepsPerPhase();
    return (steps + phase - 1) / phase * phase;
  }

  @Override
  public List<TokenizedRow> rows(long step) {
    int turn = (int) (step % settings.stepsPerPhase());
    fresh = turn == 0;
    if (fresh) {
      rollOut(step);
    } else {
      phaseMetrics = Map.of();
    }
    return turns.get(turn % settings.stepsPerGeneration());
  }

  @Override
  public boolean begins(long step) {
    return step % settings.stepsPerPhase() == 0;
  }

  @Override
  public Map<String, Double> metrics() {
    return phaseMetrics;
  }

  @Override
  public LearnedRollout of(TokenizedRow row) {
    return learned.get(row);
  }

  @Override
  public RolloutObjective objective() {
    return objective;
  }

  @Override
  public boolean fresh() {
    return fresh;
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }

  // A phase of rollouts.

  /** This rank's groups of one round, and what is known of all ranks'. */
  private record Round(
      List<Group> groups,
      List<List<float[]>> reference,
      List<List<double[]>> byStep,
      RolloutTable table,
      Optional<Advantages> advantages) {

    /** Whether a group's completions differ in what they are to be learned for. */
    boolean differs(int group) {
      if (advantages.isEmpty() || advantages.get().teaches(group)) {
        return true;
      }
      for (int i = group * table.groupSize(); i < (group + 1) * table.groupSize(); i++) {
        if (table.rows()[i][STEPS] > 0) {
          return true;
        }
      }
      return false;
    }
  }

  // Numbers of a completion that all ranks know, before its rewards and its costs.
  private static final int INDEX = 0;
  private static final int LENGTH = 1;
  private static final int CUT_OFF = 2;
  private static final int FAILED = 3;
  private static final int LOG_RATIO = 4;
  private static final int STEPS = 5;
  private static final int OVERLONG = 6;
  private static final int CHARGE = 7;
  private static final int SURPRISE = 8;
  private static final int REWARDS = 9;

  private void rollOut(long step) {
    List<Round> rounds = new ArrayList<>();
    int wanted = 0;
    int found = 0;
    for (int r = 0; r < settings.rounds() && (r == 0 || found < wanted); r++) {
      Round round = sampleRound();
      rounds.add(round);
      int groups = round.table().groups();
      wanted = r == 0 ? Math.min(groups, settings.promptsPerPhase()) : wanted;
      for (int g = 0; g < groups; g++) {
        found += round.differs(g) ? 1 : 0;
      }
    }
    List<int[]> kept = keep(rounds, wanted);
    Map<List<Integer>, Credit> credits = prepare(rounds, kept);
    Map<String, Double> ofCritic =
        critic.map(against -> criticMetrics(against, step, rounds)).orElse(Map.of());
    // Decides from the next phase on, as does the measured distance from the reference below.
    constraints.update(meanCosts(rounds));
    phaseMetrics = phaseMetrics(ofCritic, rounds);
    writeLedger(step, rounds, credits);
    refuseFailures(rounds);
    double[] logRatios = columns(rounds, LOG_RATIO);
    if (reference.isPresent()) {
      kl.update(Arrays.stream(logRatios).average().orElse(0), logRatios.length);
    }
  }

  private Round sampleRound() {
    observer.checkInterrupted();
    List<TokenizedRow> rows = reader.next();
    RolloutTable places =
        RolloutTable.gather(
            collective, 1, 1, rows.stream().map(row -> new double[] {row.index()}).toList());
    // A prompt's place in the run's stream: no other prompt of the run has it, at any world size.
    long firstKey = batchesRead * prompts.plan().globalBatchSize() + places.first();
    long[] keys = new long[rows.size()];
    Arrays.setAll(keys, i -> firstKey + i);
    batchesRead++;
    if (curriculum.isPresent()) {
      long[] pool = Arrays.stream(places.column(0)).mapToLong(index -> (long) index).toArray();
      int[] chosen =
          Arrays.stream(curriculum.get().choose(pool, settings.promptsPerPhase()))
              .filter(at -> at >= places.first() && at < places.first() + places.own())
              .map(at -> at - places.first())
              .sorted()
              .toArray();
      long[] all = keys;
      List<TokenizedRow> read = rows;
      rows = Arrays.stream(chosen).mapToObj(read::get).toList();
      keys = Arrays.stream(chosen).mapToLong(at -> all[at]).toArray();
    }
    List<Group> groups = sampler.sample(rows, keys, settings.sampling());
    observer.checkInterrupted();
    List<List<float[]>> referenceLogps = referenceLogps(groups);
    List<List<double[]>> byStep =
        groups.stream()
            .map(group -> critic.isPresent() ? stepRewards(group) : stepAdvantages(group))
            .toList();
    RolloutTable table = table(groups, referenceLogps, byStep);
    Optional<Advantages> advantages =
        critic.isPresent() ? Optional.empty() : Optional.of(advantages(table));
    advantages.ifPresent(of -> curriculum.ifPresent(measured -> measure(measured, table, of)));
    return new Round(groups, referenceLogps, byStep, table, advantages);
  }

  /** Log-probabilities under the reference, by group and completion. */
  private List<List<float[]>> referenceLogps(List<Group> groups) {
    return reference.isEmpty()
        ? groups.stream().map(group -> List.<float[]>of()).toList()
        : passes.logps(reference.get(), groups);
  }

  /** What a group's process rewards give each token, by completion; empty where there are none. */
  private List<double[]> stepAdvantages(Group group) {
    int[] lengths =
        group.generations().stream().mapToInt(written -> written.tokens().length).toArray();
    List<double[]> total = List.of();
    for (int f = 0; f < sampler.rewards().names().size(); f++) {
      List<List<Advantages.TokenStep>> steps = new ArrayList<>();
      boolean any = false;
      for (int i = 0; i < group.size(); i++) {
        List<Advantages.TokenStep> of = new ArrayList<>();
        if (!group.failed(i)) {
          for (var step : group.scores().get(i).steps().get(f)) {
            of.add(
                new Advantages.TokenStep(
                    sampler.tokensUpTo(group.completions().get(i), step.end()), step.value()));
          }
        }
        any |= !of.isEmpty();
        steps.add(of);
      }
      if (any) {
        List<double[]> found = Advantages.ofSteps(steps, lengths);
        double weight = sampler.rewards().weights()[f];
        if (total.isEmpty()) {
          total = Arrays.stream(lengths).mapToObj(double[]::new).toList();
        }
        for (int i = 0; i < lengths.length; i++) {
          for (int t = 0; t < lengths[i]; t++) {
            total.get(i)[t] += weight * found.get(i)[t];
          }
        }
      }
    }
    return total;
  }

  /**
   * What a group's process rewards add to each token, by completion: the shares of a function's
   * steps in its reward, each at the step's last token. Empty where there are none.
   */
  private List<double[]> stepRewards(Group group) {
    List<double[]> total =
        group.generations().stream().map(written -> new double[written.tokens().length]).toList();
    boolean any = false;
    for (int i = 0; i < group.size(); i++) {
      for (int f = 0; f < sampler.rewards().names().size() && !group.failed(i); f++) {
        var steps = group.scores().get(i).steps().get(f);
        for (var step : steps) {
          int at = sampler.tokensUpTo(group.completions().get(i), step.end()) - 1;
          total.get(i)[Math.max(0, at)] += shareOf(f, steps.size()) * step.value();
          any = true;
        }
      }
    }
    return any ? total : List.of();
  }

  private double shareOf(int function, int steps) {
    return critic.orElseThrow().rewardScale() * sampler.rewards().weights()[function] / steps;
  }

  private RolloutTable table(
      List<Group> groups, List<List<float[]>> referenceLogps, List<List<double[]>> byStep) {
    int width = REWARDS + sampler.functions();
    List<double[]> own = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      for (int i = 0; i < group.size(); i++) {
        Generation written = group.generations().get(i);
        double[] row = new double[width];
        row[INDEX] = group.prompt().index();
        row[LENGTH] = written.tokens().length;
        row[CUT_OFF] = written.finish() == Finish.LENGTH ? 1 : 0;
        row[FAILED] = group.failed(i) ? 1 : 0;
        row[SURPRISE] = -CountedTokens.sum(written.logps());
        if (reference.isPresent()) {
          row[LOG_RATIO] =
              CountedTokens.sum(written.logps()) - CountedTokens.sum(referenceLogps.get(g).get(i));
          row[CHARGE] = charge(written.logps(), referenceLogps.get(g).get(i));
        }
        if (!byStep.get(g).isEmpty()) {
          row[STEPS] = Arrays.stream(byStep.get(g).get(i)).map(Math::abs).max().orElse(0);
        }
        row[OVERLONG] =
            settings
                .overlong()
                .map(penalty -> penalty.penalty(written.tokens().length))
                .orElse(0.0);
        group.putScores(i, row, REWARDS);
        own.add(row);
      }
    }
    return RolloutTable.gather(collective, settings.sampling().completions(), width, own);
  }

  /** Rewards, less what costs and the distance to the reference take off, against the group's. */
  private Advantages advantages(RolloutTable table) {
    double[] weights = sampler.rewards().weights();
    double[] charges = constraints.weights();
    double restraint = restraint(table);
    // Columns: rewards, costs, overlong penalty, KL penalty, distance to the reference.
    double[] all = new double[weights.length + charges.length + 3];
    int overlong = weights.length + charges.length;
    System.arraycopy(weights, 0, all, 0, weights.length);
    System.arraycopy(charges, 0, all, weights.length, charges.length);
    all[overlong] = 1;
    all[overlong + 1] = settings.klIn() == KlIn.REWARD ? -kl.coefficient() : 0;
    for (int s = 0; s < all.length; s++) {
      all[s] *= 1 - restraint;
    }
    all[overlong + 2] = -restraint;
    double[][] scores = new double[table.rows().length][];
    for (int i = 0; i < scores.length; i++) {
      double[] row = table.rows()[i];
      scores[i] = Arrays.copyOfRange(row, REWARDS, REWARDS + all.length);
      scores[i][overlong] = row[OVERLONG];
      scores[i][overlong + 1] = row[CHARGE];
      scores[i][overlong + 2] = row[LOG_RATIO];
      boolean said = false;
      for (int f = 0; f < weights.length; f++) {
        said |= !Double.isNaN(scores[i][f]);
      }
      if (row[FAILED] > 0 || !said) {
        Arrays.fill(scores[i], Double.NaN);
      }
    }
    return Advantages.of(scores, all, table.groupSize(), settings.advantages());
  }

  private double charge(float[] logps, float[] referenceLogps) {
    double sum = 0;
    for (int t = 0; t < logps.length; t++) {
      sum += settings.klEstimator().at((double) referenceLogps[t] - logps[t]).loss();
    }
    return sum;
  }

  private static double distance(RolloutTable table) {
    return Arrays.stream(table.column(LOG_RATIO)).average().orElse(0);
  }

  /** Which share of what is learned brings the policy back to the reference. */
  private double restraint(RolloutTable table) {
    return reference.isPresent() ? settings.klBudget().restraintAt(distance(table)) : 0;
  }

  private boolean isOverBudget(RolloutTable table) {
    return reference.isPresent() && settings.klBudget().isLeftAt(distance(table));
  }

  private void measure(Curriculum measured, RolloutTable table, Advantages advantages) {
    int size = table.groupSize();
    long[] indexes = new long[table.groups()];
    double[] means = new double[table.groups()];
    double[] deviations = new double[table.groups()];
    for (int g = 0; g < indexes.length; g++) {
      indexes[g] = (long) table.rows()[g * size][INDEX];
      means[g] = Moments.of(advantages.rewards(), g * size, (g + 1) * size).mean();
      deviations[g] = advantages.groupDeviations()[g];
    }
    measured.update(indexes, means, deviations);
  }

  /**
   * Which groups are learned from, as round and place among all ranks' groups: where more rounds
   * were allowed, those that differ in reward first.
   */
  private List<int[]> keep(List<Round> rounds, int wanted) {
    List<int[]> differing = new ArrayList<>();
    List<int[]> others = new ArrayList<>();
    for (int r = 0; r < rounds.size(); r++) {
      for (int g = 0; g < rounds.get(r).table().groups(); g++) {
        boolean first = settings.rounds() == 1 || rounds.get(r).differs(g);
        (first ? differing : others).add(new int[] {r, g});
      }
    }
    differing.addAll(others);
    return List.copyOf(differing.subList(0, Math.min(wanted, differing.size())));
  }

  /** A kept group of this rank: its turn, and its place. */
  private record Kept(int turn, int round, int at, Group group) {}

  /**
   * Makes rows of the kept groups and deals them out to the phase's turns.
   *
   * @return what this rank's groups are learned for, by round and place among all ranks' groups
   */
  private Map<List<Integer>, Credit> prepare(List<Round> rounds, List<int[]> kept) {
    objective = settings.objective().apply(kl.coefficient());
    learned.clear();
    List<List<TokenizedRow>> dealt = new ArrayList<>();
    for (int turn = 0; turn < settings.stepsPerGeneration(); turn++) {
      dealt.add(new ArrayList<>());
    }
    List<Kept> own = new ArrayList<>();
    for (int k = 0; k < kept.size(); k++) {
      int r = kept.get(k)[0];
      int at = kept.get(k)[1] - rounds.get(r).table().firstGroup();
      if (at >= 0 && at < rounds.get(r).groups().size()) {
        own.add(new Kept(k % settings.stepsPerGeneration(), r, at, rounds.get(r).groups().get(at)));
      }
    }
    List<Group> groups = own.stream().map(Kept::group).toList();
    List<Credit> credits =
        critic.isPresent()
            ? credited(critic.get(), rounds, own)
            : own.stream().map(of -> compared(rounds.get(of.round()), of.at())).toList();
    // With one update a phase, its own log-probabilities are the old ones.
    List<List<float[]>> old =
        settings.stepsPerPhase() > 1
            ? passes.logps(policy, groups)
            : groups.stream().map(group -> List.<float[]>of()).toList();
    Map<List<Integer>, Credit> byPlace = new LinkedHashMap<>();
    for (int n = 0; n < own.size(); n++) {
      Kept of = own.get(n);
      Round round = rounds.get(of.round());
      Credit credit = credits.get(n);
      byPlace.put(List.of(of.round(), round.table().firstGroup() + of.at()), credit);
      List<float[]> sampled = of.group().generations().stream().map(Generation::logps).toList();
      for (GroupRows.Part part : passes.parts(of.group(), credit.learned())) {
        learned.put(
            part.row(),
            new LearnedRollout(
                part.firstCompletion(),
                sampled,
                credit.byToken(),
                old.get(n),
                round.reference().get(of.at()),
                credit.values(),
                credit.returns()));
        dealt.get(of.turn()).add(part.row());
      }
    }
    turns = dealt;
    return byPlace;
  }

  /** A group against itself. */
  private Credit compared(Round round, int at) {
    Group group = round.groups().get(at);
    int first = (round.table().firstGroup() + at) * group.size();
    List<double[]> advantages = new ArrayList<>();
    boolean[] counted = new boolean[group.size()];
    for (int i = 0; i < group.size(); i++) {
      double[] tokens = new double[group.generations().get(i).tokens().length];
      Arrays.fill(tokens, round.advantages().orElseThrow().advantages()[first + i]);
      if (!round.byStep().get(at).isEmpty()) {
        for (int t = 0; t < tokens.length; t++) {
          tokens[t] += round.byStep().get(at).get(i)[t];
        }
      }
      advantages.add(tokens);
      counted[i] = counts(group.generations().get(i));
    }
    return new Credit(advantages, List.of(), List.of(), counted);
  }

  /** Groups against what a critic expected. */
  private List<Credit> credited(CriticCredit against, List<Round> rounds, List<Kept> own) {
    double restraint = restraint(rounds.get(0).table());
    List<CriticCredit.Scored> scored = new ArrayList<>();
    for (Kept of : own) {
      Round round = rounds.get(of.round());
      int first = (round.table().firstGroup() + of.at()) * of.group().size();
      double[] scores = new double[of.group().size()];
      for (int i = 0; i < scores.length; i++) {
        double[] numbers = round.table().rows()[first + i];
        boolean counted = counts(of.group().generations().get(i));
        double inSteps = inSteps(of.group(), i, numbers);
        scores[i] = counted ? (1 - restraint) * score(against, numbers, inSteps) : Double.NaN;
      }
      List<double[]> steps =
          round.byStep().get(of.at()).stream()
              .map(byToken -> Arrays.stream(byToken).map(v -> (1 - restraint) * v).toArray())
              .toList();
      scored.add(
          new CriticCredit.Scored(of.group(), round.reference().get(of.at()), scores, steps));
    }
    return against.credit(
        scored,
        passes,
        settings.klEstimator(),
        (1 - restraint) * kl.coefficient() + restraint,
        collective);
  }

  /** The part of a completion's weighted rewards that its steps earn. */
  private double inSteps(Group group, int i, double[] numbers) {
    double sum = 0;
    for (int f = 0; f < sampler.rewards().names().size() && !group.failed(i); f++) {
      if (!group.scores().get(i).steps().get(f).isEmpty()) {
        sum += sampler.rewards().weights()[f] * numbers[REWARDS + f];
      }
    }
    return sum;
  }

  /**
   * What a critic's rewards have at a completion's end: rewards, less costs and penalties. NaN
   * where a function failed or none said anything.
   *
   * @param inSteps weighted rewards that come earlier
   */
  private double score(CriticCredit against, double[] row, double inSteps) {
    double[] weights = sampler.rewards().weights();
    double rewards = RewardPanel.weighted(row, REWARDS, weights);
    if (row[FAILED] > 0 || Double.isNaN(rewards)) {
      return Double.NaN;
    }
    return against.score(rewards - inSteps, row[CUT_OFF] > 0 ? End.CUT_OFF : End.ENDED)
        + row[OVERLONG]
        - constraints.charge(row, REWARDS + weights.length);
  }

  private boolean counts(Generation written) {
    return settings.truncated() == Truncated.LEARNED || written.finish() != Finish.LENGTH;
  }

  private static double[] columns(List<Round> rounds, int column) {
    return rounds.stream()
        .flatMapToDouble(round -> Arrays.stream(round.table().column(column)))
        .toArray();
  }

  private double[] meanCosts(List<Round> rounds) {
    int first = REWARDS + sampler.rewards().names().size();
    double[] means = new double[sampler.costs().names().size()];
    for (int c = 0; c < means.length; c++) {
      means[c] = Moments.of(columns(rounds, first + c)).mean();
    }
    return means;
  }

  /** Of all rollouts of the phase, also of groups that are not learned from. TRL's names. */
  private Map<String, Double> phaseMetrics(Map<String, Double> ofCritic, List<Round> rounds) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    double[] rewards =
        rounds.stream().flatMapToDouble(r -> Arrays.stream(rewards(r.table()))).toArray();
    metrics.put("reward", Moments.of(rewards).mean());
    metrics.put("reward_std", Moments.of(rewards).deviation());
    for (int f = 0; f < sampler.rewards().names().size(); f++) {
      Moments of = Moments.of(columns(rounds, REWARDS + f));
      metrics.put("rewards/" + sampler.rewards().names().get(f) + "/mean", of.mean());
      metrics.put("rewards/" + sampler.rewards().names().get(f) + "/std", of.deviation());
    }
    if (critic.isPresent()) {
      metrics.putAll(ofCritic);
    } else {
      metrics.put("frac_reward_zero_std", shareOfEqualGroups(rounds));
    }
    double[] lengths = columns(rounds, LENGTH);
    double[] cutOff = columns(rounds, CUT_OFF);
    double[] ended =
        IntStream.range(0, lengths.length)
            .filter(i -> cutOff[i] == 0)
            .mapToDouble(i -> lengths[i])
            .toArray();
    lengths(metrics, "completions/%s_length", lengths);
    lengths(metrics, "completions/%s_terminated_length", ended);
    metrics.put("completions/clipped_ratio", Moments.of(cutOff).mean());
    if (reference.isPresent()) {
      metrics.put("objective/kl", Moments.of(columns(rounds, LOG_RATIO)).mean());
      metrics.put("kl_coef", kl.coefficient());
    }
    if (Double.isFinite(settings.klBudget().limit())) {
      metrics.put(
          "kl_over_budget", rounds.stream().anyMatch(r -> isOverBudget(r.table())) ? 1.0 : 0.0);
    }
    metrics.putAll(constraints.metrics());
    metrics.put("rewards/failed", Arrays.stream(columns(rounds, FAILED)).sum());
    if (settings.rounds() > 1) {
      metrics.put("sampling/rounds", (double) rounds.size());
    }
    return metrics;
  }

  private static double shareOfEqualGroups(List<Round> rounds) {
    return rounds.stream()
        .flatMapToDouble(
            r ->
                IntStream.range(0, r.table().groups())
                    .mapToDouble(g -> r.advantages().orElseThrow().zeroSpread()[g] ? 1 : 0))
        .average()
        .orElse(0);
  }

  /** What TRL's PPO trainer reports of its rollouts. */
  private Map<String, Double> criticMetrics(CriticCredit against, long step, List<Round> rounds) {
    double[] scores =
        rounds.stream()
            .flatMap(round -> Arrays.stream(round.table().rows()))
            .mapToDouble(row -> score(against, row, 0))
            .toArray();
    double score = Moments.of(scores).mean();
    double charge = -kl.coefficient() * Moments.of(columns(rounds, CHARGE)).mean();
    double[] cutOff = columns(rounds, CUT_OFF);
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("objective/scores", score);
    metrics.put("objective/non_score_reward", charge);
    metrics.put("objective/rlhf_reward", score + charge);
    metrics.put("objective/entropy", Moments.of(columns(rounds, SURPRISE)).mean());
    metrics.put("val/num_eos_tokens", cutOff.length - Arrays.stream(cutOff).sum());
    metrics.put(
        "episode",
        (double)
            ((step / settings.stepsPerPhase() + 1)
                * settings.promptsPerPhase()
                * settings.sampling().completions()));
    return metrics;
  }

  private static void lengths(Map<String, Double> metrics, String name, double[] lengths) {
    metrics.put(String.format(name, "mean"), Arrays.stream(lengths).average().orElse(0));
    metrics.put(String.format(name, "min"), Arrays.stream(lengths).min().orElse(0));
    metrics.put(String.format(name, "max"), Arrays.stream(lengths).max().orElse(0));
  }

  /** Weighted rewards alone, without costs and penalties; NaN where no function said anything. */
  private double[] rewards(RolloutTable table) {
    double[] weights = sampler.rewards().weights();
    return Arrays.stream(table.rows())
        .mapToDouble(row -> RewardPanel.weighted(row, REWARDS, weights))
        .toArray();
  }

  private void writeLedger(long step, List<Round> rounds, Map<List<Integer>, Credit> credits) {
    List<LedgerRow> rows = new ArrayList<>();
    List<String> rewardNames = sampler.rewards().names();
    List<String> costNames = sampler.costs().names();
    int slot = 0;
    for (int r = 0; r < rounds.size(); r++) {
      Round round = rounds.get(r);
      for (int at = 0; at < round.groups().size(); at++) {
        Group group = round.groups().get(at);
        int place = round.table().firstGroup() + at;
        Optional<Credit> credit = Optional.ofNullable(credits.get(List.of(r, place)));
        boolean byToken = critic.isPresent() || !round.byStep().get(at).isEmpty();
        for (int i = 0; i < group.size(); i++) {
          double[] numbers = round.table().rows()[place * group.size() + i];
          Generation written = group.generations().get(i);
          rows.add(
              new LedgerRow(
                  step + 1,
                  step / settings.stepsPerPhase(),
                  collective.rank(),
                  group.prompt().index(),
                  slot + place,
                  i,
                  group.completions().get(i).prompt(),
                  group.completions().get(i).text(),
                  group.prompt().prompt().length,
                  written.tokens(),
                  written.logps(),
                  reference.isPresent()
                      ? Optional.of(round.reference().get(at).get(i))
                      : Optional.empty(),
                  OptionalDouble.of(
                      RewardPanel.weighted(numbers, REWARDS, sampler.rewards().weights())),
                  named(rewardNames, numbers, REWARDS),
                  named(costNames, numbers, REWARDS + rewardNames.size()),
                  advantage(round, place * group.size() + i, credit, i),
                  credit.filter(of -> byToken).map(tokensOf(i)),
                  written.finish(),
                  step,
                  failure(group, i)));
        }
      }
      slot += round.table().groups();
    }
    ledger.write(step + 1, rows, collective);
  }

  private static Function<Credit, double[]> tokensOf(int completion) {
    return credit -> credit.byToken().get(completion);
  }

  /** Of the completion as a whole: with a critic, the mean over its tokens. */
  private static OptionalDouble advantage(
      Round round, int completion, Optional<Credit> credit, int i) {
    if (credit.isEmpty()) {
      return OptionalDouble.empty();
    }
    return round.advantages().isPresent()
        ? OptionalDouble.of(round.advantages().get().advantages()[completion])
        : Arrays.stream(credit.get().byToken().get(i)).average();
  }

  private static Map<String, OptionalDouble> named(List<String> names, double[] numbers, int from) {
    Map<String, OptionalDouble> named = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      named.put(names.get(i), OptionalDouble.of(numbers[from + i]));
    }
    return named;
  }

  private static Optional<String> failure(Group group, int i) {
    return group.scores().get(i).failure().or(() -> group.costs().get(i).failure());
  }

  /** Ends the run where more rewards failed than may. */
  private void refuseFailures(List<Round> rounds) {
    double[] marks = columns(rounds, FAILED);
    long now = (long) Arrays.stream(marks).sum();
    failed += now;
    FailureLimit limit = settings.failures();
    boolean tooMany =
        limit.atMost().isPresent()
            ? failed > limit.atMost().getAsLong()
            : now > limit.atMostShare() * marks.length;
    if (!tooMany) {
      return;
    }
    String example =
        rounds.stream()
            .flatMap(round -> round.groups().stream())
            .flatMap(group -> IntStream.range(0, group.size()).mapToObj(i -> failure(group, i)))
            .flatMap(Optional::stream)
            .findFirst()
            .map(of -> " (for example: " + of + ")")
            .orElse("");
    throw new PlumblineException(
        ErrorCode.REWARD_FAILED,
        String.format(
            Locale.ROOT,
            "%,d of %,d rollouts of the newest phase have no reward, because a function failed%s;"
                + " the ledger has the reason of each: %s",
            now,
            marks.length,
            example,
            FailureLimit.remedy(now, marks.length)));
  }
}
