package io.plumbline.reward.answer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.reward.Column;
import io.plumbline.reward.FinalPart;
import io.plumbline.reward.OneByOne;
import io.plumbline.reward.Options;
import io.plumbline.reward.Reward;
import io.plumbline.reward.RewardFunction;
import io.plumbline.reward.RewardFunctionFactory;
import io.plumbline.reward.ScoringException;
import io.plumbline.reward.Verdict;
import io.plumbline.reward.answer.FinalAnswer.Extract;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code answer}: whether a completion's final answer is the one in a column. Numbers are compared
 * by value, other answers as texts without regard to case, white space and punctuation around.
 */
public final class AnswerReward implements RewardFunctionFactory {
  @Override
  public String kind() {
    return "answer";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    Column column =
        new Column(
            options.text("column", "answer"), options.choice("missing", Column.Missing.FAIL));
    Extract extract = options.choice("extract", Extract.AUTO);
    Tolerance tolerance =
        new Tolerance(
            options.numberFromZero("tolerance", 0),
            options.numberFromZero("relative_tolerance", 0));
    Verdict verdict = Verdict.of(options);
    options.end();
    OneByOne function =
        completion ->
            column
                .value(completion)
                .map(
                    value ->
                        isAnswer(
                            FinalPart.written(completion),
                            accepted(value, column),
                            extract,
                            tolerance))
                .map(verdict::on)
                .orElse(Reward.notApplicable());
    return function;
  }

  private static boolean isAnswer(
      String text, List<ExpectedAnswer> accepted, Extract extract, Tolerance tolerance) {
    return accepted.stream().anyMatch(answer -> answer.isIn(text, extract, tolerance));
  }

  /** The answers that a column's value accepts: itself, or each element of a list. */
  private static List<ExpectedAnswer> accepted(Object value, Column column) {
    List<ExpectedAnswer> accepted = new ArrayList<>();
    for (Object one : value instanceof List<?> list ? list : List.of(value)) {
      if (one instanceof Number number) {
        accepted.add(ExpectedAnswer.of(number));
      } else if (one instanceof String || one instanceof Boolean) {
        accepted.add(ExpectedAnswer.of(one.toString()));
      } else if (one != null) { // A table may pad lists.
        throw new ScoringException(
            "the column " + column.name() + " holds neither text nor numbers nor a list of these");
      }
    }
    if (accepted.stream().allMatch(answer -> answer.text().isEmpty())) {
      throw new ScoringException("the column " + column.name() + " holds no answer");
    }
    return accepted;
  }
}
