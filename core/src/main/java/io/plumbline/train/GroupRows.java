package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.model.TokenLogps;
import io.plumbline.train.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Groups as rows of forward passes.
 *
 * @param temperature at which completions were drawn, and log-probabilities are taken
 * @param mostTokens of a row, and of the rows of one pass
 */
record GroupRows(double temperature, int mostTokens, TrainingObserver observer) {

  /**
   * A row of a group or of a part of it.
   *
   * @param firstCompletion its first completion's place in the group
   */
  record Part(int firstCompletion, TokenizedRow row) {}

  /**
   * A group's rows, in the order of its completions.
   *
   * @param counted the completions whose tokens count
   */
  List<Part> parts(Group group, Predicate<Generation> counted) {
    List<Part> parts = new ArrayList<>();
    int from = 0;
    int tokens = group.prompt().prompt().length;
    for (int i = 0; i < group.size(); i++) {
      int length = group.generations().get(i).tokens().length;
      if (i > from && tokens + length > mostTokens) {
        parts.add(part(group, from, i, counted));
        from = i;
        tokens = group.prompt().prompt().length;
      }
      tokens += length;
    }
    parts.add(part(group, from, group.size(), counted));
    return parts;
  }

  private static Part part(Group group, int from, int to, Predicate<Generation> counted) {
    List<int[]> completions = new ArrayList<>();
    List<byte[]> masks = new ArrayList<>();
    for (Generation written : group.generations().subList(from, to)) {
      byte[] mask = new byte[written.tokens().length];
      if (counted.test(written)) {
        Arrays.fill(mask, (byte) 1);
      }
      completions.add(written.tokens());
      masks.add(mask);
    }
    return new Part(
        from, TokenizedRow.of(group.prompt().index(), group.prompt().prompt(), completions, masks));
  }

  /** Log-probabilities of every token of whole groups, by group and completion. */
  List<List<float[]>> logps(CausalLm model, List<Group> groups) {
    List<TokenizedRow> rows = new ArrayList<>();
    List<Integer> owners = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      for (Part part : parts(groups.get(g), any -> true)) {
        rows.add(part.row());
        owners.add(g);
      }
    }
    IdentityHashMap<TokenizedRow, List<float[]>> found = new IdentityHashMap<>();
    for (List<TokenizedRow> batch : MicroBatches.split(rows, OptionalInt.empty(), mostTokens)) {
      TokenLogps tokens = model.logps(batch, Set.of(), temperature);
      for (int i = 0; i < batch.size(); i++) {
        found.put(batch.get(i), tokens.logps().get(i));
      }
      observer.checkInterrupted();
    }
    List<List<float[]>> logps = new ArrayList<>();
    groups.forEach(group -> logps.add(new ArrayList<>()));
    for (int i = 0; i < rows.size(); i++) {
      logps.get(owners.get(i)).addAll(found.get(rows.get(i)));
    }
    return logps;
  }
}
