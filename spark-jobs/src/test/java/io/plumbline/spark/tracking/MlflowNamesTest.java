package io.plumbline.spark.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MlflowNamesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "loss",
        "rewards/chosen",
        "eval_rewards/my.Reward-2/mean",
        "lr 2",
        "global-batch-size"
      })
  void namesOfTrlStayAsTheyAre(String name) {
    assertThat(MlflowNames.of(name)).isEqualTo(name);
  }

  @ParameterizedTest
  @CsvSource({
    "rewards/a$b/mean, rewards/a_x24b/mean",
    "a//b, a/_x2fb",
    "../up, _x2e_x2e/up",
    "/root, _x2froot",
    "end/, end_x2f",
    "größe, gr_xf6_xdfe",
    "x:y, x_x3ay"
  })
  void otherCharactersAreWrittenByTheirCodes(String name, String written) {
    assertThat(MlflowNames.of(name)).isEqualTo(written);
  }

  @Property
  void everyNameIsOneThatMlflowTakes(@ForAll String name) {
    String written = MlflowNames.of(name);
    assertThat(written).hasSizeLessThanOrEqualTo(250).matches("[\\w\\-. /~]*");
    assertThat(List.of(written.split("/", -1)))
        .doesNotContain(".", "..")
        .satisfies(parts -> assertThat(parts.size() > 1 && parts.contains("")).isFalse());
  }
}
