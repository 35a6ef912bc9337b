package io.plumbline.spark.gang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.tensor.Device;
import java.util.List;
import org.apache.spark.SparkConf;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One GPU a rank, or a sentence that says why not. */
class GpuResourcesTest {
  private static GpuResources resources(String perTask, String perExecutor) {
    SparkConf conf = new SparkConf(false);
    if (perTask != null) {
      conf.set("spark.task.resource.gpu.amount", perTask);
    }
    if (perExecutor != null) {
      conf.set("spark.executor.resource.gpu.amount", perExecutor);
    }
    return GpuResources.of(conf);
  }

  private static void assertRefused(ThrowingCallable call, String sentence) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_UNFIT))
        .hasMessageContaining(sentence);
  }

  @ParameterizedTest
  @EnumSource(
      value = DeviceChoice.class,
      names = {"AUTO", "CUDA"})
  void aRankHasOneWholeGpu(DeviceChoice choice) {
    assertThatCode(() -> resources("1", "4").check(choice, false)).doesNotThrowAnyException();
    assertThat(resources("1", "4").slotsPerExecutor()).isEqualTo(4);
    assertRefused(
        () -> resources("0.5", "1").check(choice, false),
        "spark.task.resource.gpu.amount is 0.5, so that ranks would share a GPU");
    assertRefused(
        () -> resources("2", "4").check(choice, false),
        "spark.task.resource.gpu.amount is 2, so that a rank would hold GPUs that it does not use");
    assertRefused(
        () -> resources("1", "1").check(choice, true), "A local master gives tasks no GPUs");
  }

  @Test
  void ranksOnCpusMayRunBesideGpus() {
    assertThatCode(() -> resources("0.25", "1").check(DeviceChoice.CPU, false))
        .doesNotThrowAnyException();
    assertThat(resources("0.25", "1").slotsPerExecutor()).isEqualTo(4);
    assertThat(resources("2", "3").slotsPerExecutor()).isEqualTo(1);
    assertThatCode(() -> resources(null, null).check(DeviceChoice.AUTO, true))
        .doesNotThrowAnyException();
    assertThat(resources(null, null).slotsPerExecutor()).isEqualTo(Integer.MAX_VALUE);
    assertThat(resources("1", null).slotsPerExecutor()).isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void cudaNeedsGpusOfSpark() {
    assertRefused(
        () -> resources(null, null).check(DeviceChoice.CUDA, false),
        "--device cuda was asked for, but Spark gives tasks no GPU: set"
            + " spark.task.resource.gpu.amount=1");
  }

  @Test
  void ranksThatWereGivenOneGpuTogetherAreRefused() {
    List<Placement> ranks = List.of(at("a", "0"), at("b", "0"), at("b", "0"));
    assertRefused(
        () -> Placement.device(DeviceChoice.AUTO, 1, ranks),
        "Rank 1 on b and rank 2 were both given GPU 0");
    assertRefused(
        () -> Placement.device(DeviceChoice.AUTO, 0, List.of(at("a", "0", "1"))),
        "Rank 0 on a was given 2 GPUs, and a rank uses one");
    // Containers of one host count from 0 each.
    List<Placement> containers =
        List.of(
            new Placement("", "a", List.of("0"), "GPU-1"),
            new Placement("", "a", List.of("0"), "GPU-2"));
    assertRefused(() -> Placement.device(DeviceChoice.AUTO, 0, containers), "no CUDA device");
  }

  @Test
  void aRankComputesWhereItWasToldTo() {
    assertThat(at("a", "3").device(DeviceChoice.AUTO)).isEqualTo(Device.cuda(3));
    assertThat(at("a", "3").device(DeviceChoice.CPU)).isEqualTo(Device.CPU);
    assertThat(at("a").device(DeviceChoice.AUTO)).isEqualTo(Device.CPU);
    assertRefused(() -> at("a").device(DeviceChoice.CUDA), "Spark gives tasks no GPU");
    assertRefused(
        () -> at("a", "GPU-8f").device(DeviceChoice.AUTO), "'GPU-8f', which is not an index");
    assertThat(Placement.decode(at("a", "3").encode())).isEqualTo(at("a", "3"));
  }

  private static Placement at(String host, String... gpus) {
    return new Placement("", host, List.of(gpus), "");
  }
}
