package io.plumbline.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

/** The interfaces that fit no function are only loaded. */
@SuppressWarnings("UnusedMethod")
class KernelsTest {
  private static final KernelFilling FILLING =
      new KernelFilling(Map.of("TIMES", "3", "SHIFT", "-1.5"), Map.of());

  private record Sums(Value plain, Value largeOne) {}

  private interface SumKernels {
    Sums sums(Value x, double scale, int times, boolean squared, String name, long[] weights);

    Value named(Value w, String key);

    void clear(Value x);

    Value kind(Value x);
  }

  private interface NoSuchFunction {
    Value product(Value x);
  }

  private interface OtherCount {
    Value kind(Value x, Value y);
  }

  private interface OtherName {
    Value kind(Value y);
  }

  private interface OtherOrder {
    Value named(String key, Value w);
  }

  private interface OtherType {
    Value named(Value w, long key);
  }

  private interface ValueForNumber {
    Value named(Value w, Value key);
  }

  private interface OtherResult {
    void kind(Value x);
  }

  private record Swapped(Value largeOne, Value plain) {}

  private interface OtherRecord {
    Swapped sums(Value x, double scale, int times, boolean squared, String name, long[] weights);
  }

  private interface RecordOfTensor {
    Sums kind(Value x);
  }

  private static <K> K kernels(Class<K> functions, Scope scope) {
    return Kernels.load(functions, "sums.py", FILLING).in(scope, GraphMode.NO_GRAPH);
  }

  @Test
  void everyTypeArrivesAndComesBack() {
    try (Scope scope = Scope.open()) {
      SumKernels kernels = kernels(SumKernels.class, scope);
      Value x = scope.floats(new float[] {1, 2, 3}, 3);
      Sums found = kernels.sums(x, 0.5, 2, true, "TIMES", new long[] {10, 1});
      assertThat(found.plain().floats()).containsExactly(36 + 3 + 11);
      assertThat(found.largeOne().floats()).containsExactly(3 * 50 - 1.5f);
      Map<String, Value> weights = new LinkedHashMap<>();
      weights.put("a", x);
      weights.put("b", scope.floats(new float[] {0, 0}, 2));
      assertThat(kernels.named(scope.named(weights), "b").floats()).containsExactly(0.5f, 0.5f);
      assertThat(kernels.kind(x).shape()).containsExactly(3, 1);
      kernels.clear(x);
      assertThat(x.floats()).containsExactly(0, 0, 0);
      assertThat(kernels).hasToString("SumKernels");
    }
  }

  @Test
  void nothingOfACallOutlivesItsScope() {
    Scope warm = Scope.open();
    kernels(SumKernels.class, warm);
    warm.close();
    long before = Scope.LIVE.get();
    try (Scope scope = Scope.open()) {
      Value x = scope.floats(new float[] {1}, 1);
      SumKernels kernels = kernels(SumKernels.class, scope);
      kernels.sums(x, 1, 1, false, "", new long[0]);
      kernels.clear(x);
    }
    assertThat(Scope.LIVE.get()).isEqualTo(before);
  }

  private static AbstractThrowableAssert<?, ?> loading(
      Class<?> functions, String file, KernelFilling filling) {
    return assertThatThrownBy(() -> Kernels.load(functions, file, filling))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INTERNAL));
  }

  @Test
  void aMethodThatFitsNoFunctionIsFoundAtLoad() {
    Map<Class<?>, String> expected =
        Map.of(
            NoSuchFunction.class,
            "sums.py has no function product, which NoSuchFunction calls",
            OtherCount.class,
            "sums.py has kind(x: Tensor) -> Tensor, for which OtherCount has 2 arguments, not 1",
            OtherName.class,
            "sums.py has kind(x: Tensor) -> Tensor, for which OtherName has y as argument 1, not x",
            OtherOrder.class,
            "sums.py has named(w: Dict[str, Tensor], key: str) -> Tensor, for which OtherOrder has"
                + " key as argument 1, not w",
            OtherType.class,
            "sums.py has named(w: Dict[str, Tensor], key: str) -> Tensor, for which OtherType has"
                + " key as a long, not a str",
            ValueForNumber.class,
            "sums.py has named(w: Dict[str, Tensor], key: str) -> Tensor, for which ValueForNumber"
                + " has key as a Value, not a str",
            OtherResult.class,
            "sums.py has kind(x: Tensor) -> Tensor, for which OtherResult has a result of void,"
                + " not Tensor",
            RecordOfTensor.class,
            "sums.py has kind(x: Tensor) -> Tensor, for which RecordOfTensor has a result of"
                + " [plain, large_one], not []");
    expected.forEach(
        (functions, message) -> loading(functions, "sums.py", FILLING).hasMessage(message));
    loading(OtherRecord.class, "sums.py", FILLING)
        .hasMessageEndingWith(
            "for which OtherRecord has a result of [large_one, plain], not [plain, large_one]");
  }

  @Test
  void constantsAndValuesGoTogether() {
    loading(SumKernels.class, "sums.py", new KernelFilling(Map.of("TIMES", "3"), Map.of()))
        .hasMessage("numbers_of_test.py declares SHIFT, which was given no value");
    loading(
            SumKernels.class,
            "sums.py",
            new KernelFilling(Map.of("TIMES", "3", "SHIFT", "1.0", "SIZE", "1"), Map.of()))
        .hasMessage("no file of sums.py declares SIZE");
  }

  @Test
  void whatIsNoKernelIsRefused() {
    loading(SumKernels.class, "loop.py", KernelFilling.NONE)
        .hasMessageStartingWith("loop.py has what no kernel file may have")
        .hasMessageEndingWith("for _ in range(3):");
    loading(SumKernels.class, "untyped.py", KernelFilling.NONE)
        .hasMessageStartingWith("untyped.py has what no kernel file may have")
        .hasMessageEndingWith(": x");
    loading(SumKernels.class, "renamed.py", FILLING)
        .hasMessageStartingWith("renamed.py has what no kernel file may have")
        .hasMessageEndingWith("from numbers_of_test import many as few");
    loading(SumKernels.class, "twice.py", FILLING)
        .hasMessage("numbers_of_test.py defines many, which another file of twice.py does too");
    loading(SumKernels.class, "absent.py", KernelFilling.NONE)
        .hasMessage("the jar lacks absent.py beside " + SumKernels.class.getName());
  }

  @Test
  void anotherModuleCanStandIn() {
    KernelFilling filling =
        new KernelFilling(Map.of("TIMES", "3", "SHIFT", "1.0"), Map.of("numbers_of_test", "loop"));
    loading(SumKernels.class, "sums.py", filling).hasMessageStartingWith("loop.py");
  }
}
