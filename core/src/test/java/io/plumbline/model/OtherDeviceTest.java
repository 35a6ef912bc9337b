package io.plumbline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.PythonPeer;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.optim.AdamW;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import io.plumbline.tensor.Value;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices other than the CPU, without any in the machine. */
class OtherDeviceTest {
  /** A device of which PyTorch knows shapes and no elements. */
  private static final Device META = new Device("meta", -1);

  /** The CPU by another name, which takes the way of devices: through copies. */
  private static final Device COPIED = new Device("cpu", 0);

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path temp;

  @Test
  void everyKernelStaysOnTheDeviceOfItsTensors() throws Exception {
    Set<String> methods = new TreeSet<>();
    List<String> directories = new ArrayList<>();
    for (ComputeDtype dtype : ComputeDtype.values()) {
      Path directory = Files.createDirectory(temp.resolve(dtype.name()));
      methods.addAll(kernels(dtype, directory));
      directories.add(directory.toString());
    }
    JsonNode result = PythonPeer.run(temp, "check_devices.py", directories.toArray(new String[0]));
    assertThat(result.get("noticed").asBoolean()).as("a tensor of the CPU is noticed").isTrue();
    // What others call is run with them; the fused update has no fake.
    methods.removeAll(List.of("low", "rotate", "rest", "room", "penalized"));
    assertThat(JSON.convertValue(result.get("ran"), String[].class)).containsAll(methods);
  }

  /** Writes what the script reads and gives the kernels' names. */
  private static Set<String> kernels(ComputeDtype dtype, Path directory) throws IOException {
    ObjectNode json = Models.config(Map.of("attention_bias", true, "mlp_bias", true));
    try (CausalLm model = Models.random(json, Purpose.INFERENCE, dtype, 1)) {
      DecoderConfig config = model.config();
      ObjectNode about = JSON.createObjectNode();
      about.put("vocabulary", config.vocabSize()).put("hidden", config.hiddenSize());
      about.put("layers", config.layers()).put("head_dim", config.headDim());
      about.set(
          "layer",
          JSON.valueToTree(
              model.decoder().layers.get(0).parts().stream().map(Value::shape).toList()));
      Files.writeString(directory.resolve("decoder.json"), about.toString());
      Set<String> methods = new TreeSet<>();
      archive(directory, methods, "decoder", Decoder.class, Decoder.constants(config, dtype));
      archive(directory, methods, "flat", Segment.class, Map.of());
      archive(directory, methods, "adamw", AdamW.class, Map.of());
      return methods;
    }
  }

  private static void archive(
      Path directory,
      Set<String> methods,
      String name,
      Class<?> owner,
      Map<String, String> constants)
      throws IOException {
    Files.write(directory.resolve(name + ".pt"), Kernels.archive(owner, name + ".ts", constants));
    try (InputStream source = owner.getResourceAsStream(name + ".ts")) {
      Pattern.compile("  def (\\w+)\\(")
          .matcher(new String(source.readAllBytes(), StandardCharsets.UTF_8))
          .results()
          .forEach(match -> methods.add(match.group(1)));
    }
  }

  @Test
  void aModelLivesWhereItsThreadSays() {
    try (Device.Use use = META.use();
        CausalLm model =
            Models.random(Models.config(Map.of()), Purpose.TRAINING, ComputeDtype.F32, 1)) {
      assertThat(model.segments()).allMatch(segment -> segment.device().equals(META));
      assertThat(model.decoder().device).isEqualTo(META);
      // Elements that are not there cannot be copied: it was no tensor of the host.
      assertThatThrownBy(() -> model.segments().get(0).values()).hasMessageContaining("meta");
    }
    try (CausalLm model =
        Models.random(Models.config(Map.of()), Purpose.TRAINING, ComputeDtype.F32, 1)) {
      assertThat(model.segments()).allMatch(segment -> segment.device().isHost());
    }
  }

  @Test
  void aCopyInTheHostGoesToTheDeviceAndBack() {
    try (Segment segment =
        Segment.allocate("s", List.of("w"), List.of(new long[] {3}), Gradients.PRESENT, COPIED)) {
      segment.fillValues(values -> values.put(new float[] {1, 2, 3}));
      assertThat(segment.view(0, 3).floats()).containsExactly(1, 2, 3);
      segment.gradients().put(0, 5);
      segment.storeGradients();
      assertThat(segment.gradientView(0, 3).floats()).containsExactly(5, 0, 0);
    }
  }

  @Test
  void theThreadsDeviceComesBackWhenItsUseEnds() {
    assertThat(Device.ofThread()).isEqualTo(Device.CPU);
    try (Device.Use outer = Device.cuda(1).use()) {
      try (Device.Use inner = Device.CPU.use()) {
        assertThat(Device.ofThread()).isEqualTo(Device.CPU);
      }
      assertThat(Device.ofThread()).hasToString("cuda:1");
    }
    assertThat(Device.ofThread()).isEqualTo(Device.CPU);
  }

  @Test
  void cudaIsRefusedByANativeLibraryThatHasNone() {
    Device.CPU.require();
    assertThatThrownBy(() -> Device.cuda(0).require())
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLUSTER_UNFIT))
        .hasMessageContaining("cuda:0 was asked for, but PyTorch sees no CUDA device")
        .hasMessageContaining("for 'cpu'")
        .hasMessageContaining("PYTORCH_FLAVOR=cu128");
  }
}
