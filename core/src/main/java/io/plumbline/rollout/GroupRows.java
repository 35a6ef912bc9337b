package io.plumbline.rollout;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm;
import io.plumbline.model.Generation;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.train.MicroBatch;
import io.plumbline.train.MicroBatches;
import io.plumbline.train.TrainingObserver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

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
  record Part(int firstCompletion, TokenizedRow row) {
    /** Behind its last completion's place in the group. */
    int end() {
      return firstCompletion + row.completions().size();
    }
  }

  /**
   * A group's rows, in the order of its completions.
   *
   * @param counted whether a completion's tokens count
   */
  List<Part> parts(Group group, boolean[] counted) {
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

  private static Part part(Group group, int from, int to, boolean[] counted) {
    List<int[]> completions = new ArrayList<>();
    List<byte[]> masks = new ArrayList<>();
    for (int i = from; i < to; i++) {
      Generation written = group.generations().get(i);
      byte[] mask = new byte[written.tokens().length];
      if (counted[i]) {
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
    return each(groups, batch -> model.logps(batch, Set.of(), temperature).logps());
  }

  /** The same as training passes find them, with what the present draw leaves out. */
  List<List<float[]>> trainedLogps(CausalLm model, List<Group> groups) {
    return model.hasDropout()
        ? each(groups, batch -> model.trainedLogps(batch, temperature).logps())
        : logps(model, groups);
  }

  /**
   * What a forward pass says of whole groups, by group and completion.
   *
   * @param pass of a micro-batch, by row and completion
   */
  List<List<float[]>> each(
      List<Group> groups, Function<List<TokenizedRow>, List<List<float[]>>> pass) {
    List<TokenizedRow> rows = new ArrayList<>();
    List<Integer> owners = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      boolean[] all = new boolean[groups.get(g).size()];
      Arrays.fill(all, true);
      for (Part part : parts(groups.get(g), all)) {
        rows.add(part.row());
        owners.add(g);
      }
    }
    List<List<float[]>> found = new ArrayList<>(Collections.nCopies(rows.size(), List.of()));
    for (MicroBatch batch : MicroBatches.split(rows, OptionalInt.empty(), mostTokens)) {
      List<List<float[]>> values = pass.apply(batch.rows());
      for (int i = 0; i < values.size(); i++) {
        found.set(batch.slots().get(i), values.get(i));
      }
      observer.checkInterrupted();
    }
    List<List<float[]>> byGroup = new ArrayList<>();
    groups.forEach(group -> byGroup.add(new ArrayList<>()));
    for (int i = 0; i < rows.size(); i++) {
      byGroup.get(owners.get(i)).addAll(found.get(i));
    }
    return byGroup;
  }
}
