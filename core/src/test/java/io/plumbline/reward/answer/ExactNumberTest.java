package io.plumbline.reward.answer;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.BigRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Scale;

class ExactNumberTest {
  private static ExactNumber number(String text) {
    return ExactNumber.parse(text).orElseThrow(() -> new AssertionError("no number: " + text));
  }

  private static BigDecimal times(ExactNumber n, long factor) {
    return new BigDecimal(n.numerator().multiply(BigInteger.valueOf(factor)))
        .divide(new BigDecimal(n.denominator()));
  }

  @Property
  void decimalsKeepTheirValueInEveryWriting(
      @ForAll @BigRange(min = "-1000000000000", max = "1000000000000") @Scale(6) BigDecimal value) {
    DecimalFormat grouped =
        new DecimalFormat("#,##0.######", DecimalFormatSymbols.getInstance(Locale.ROOT));
    for (String text :
        new String[] {
          value.toPlainString(),
          grouped.format(value),
          "$" + value.toPlainString() + "$",
          value.toPlainString() + "%",
          value.toPlainString().replace('-', '−'),
          value.unscaledValue() + "e" + -value.scale(),
          value.unscaledValue() + " \\times 10^{" + -value.scale() + "}",
        }) {
      assertThat(times(number(text), 1)).as(text).isEqualByComparingTo(value);
    }
  }

  @Property
  void fractionsKeepTheirValue(
      @ForAll @IntRange(max = 10_000) int whole,
      @ForAll @IntRange(max = 10_000) int above,
      @ForAll @IntRange(min = 1, max = 10_000) int below) {
    for (String text :
        new String[] {
          above + "/" + below, above + " / " + below, "\\frac{" + above + "}{" + below + "}"
        }) {
      assertThat(times(number(text), below))
          .as(text)
          .isEqualByComparingTo(BigDecimal.valueOf(above));
      assertThat(times(number("-" + text), below))
          .as("-" + text)
          .isEqualByComparingTo(BigDecimal.valueOf(-above));
    }
    BigDecimal sum = BigDecimal.valueOf((long) whole * below + above);
    for (String text :
        new String[] {
          whole + " " + above + "/" + below, whole + "\\frac{" + above + "}{" + below + "}"
        }) {
      assertThat(times(number(text), below)).as(text).isEqualByComparingTo(sum);
    }
  }

  @Property
  void aNumberIsReadOrNotWhateverTheText(@ForAll String text) {
    ExactNumber.parse(text).ifPresent(n -> assertThat(n.denominator().signum()).isEqualTo(1));
  }

  @Property
  void nothingElseIsANumber(@ForAll @IntRange(min = 0, max = 99) int n) {
    for (String text :
        new String[] {
          n + "," + n,
          n + " " + n,
          n + "/0",
          "--" + n,
          n + "x",
          "1e9999",
          "",
          "-",
          "$",
          "%",
          "/",
          n + "+"
        }) {
      assertThat(ExactNumber.parse(text)).as(text).isEmpty();
    }
  }
}
