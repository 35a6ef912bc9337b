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
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.optim.Optimizer;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Gradients;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
      for (String family : List.of("llama", "gemma3_text", "granite", "olmo2", "qwen3")) {
        Path directory = Files.createDirectory(temp.resolve(family + dtype.name()));
        methods.addAll(kernels(family, dtype, directory));
        directories.add(directory.toString());
      }
      Path directory = Files.createDirectory(temp.resolve("adapted" + dtype.name()));
      methods.addAll(kernels("llama", dtype, directory));
      adapt(directory, dtype);
      directories.add(directory.toString());
    }
    JsonNode result = PythonPeer.run(temp, "check_devices.py", directories.toArray(new String[0]));
    assertThat(result.get("noticed").asBoolean()).as("a tensor of the CPU is noticed").isTrue();
    assertThat(JSON.convertValue(result.get("ran"), String[].class)).containsAll(methods);
  }

  /** Writes what the script reads and gives the kernels' names. */
  private static Set<String> kernels(String family, ComputeDtype dtype, Path directory)
      throws IOException {
    ObjectNode json =
        Models.config(
            Map.of(
                "model_type",
                family,
                "head_dim",
                8,
                "attn_logit_softcapping",
                family.startsWith("gemma") ? 30 : false,
                "pad_token_id",
                0,
                "attention_bias",
                true,
                "mlp_bias",
                true));
    try (CausalLm model = Models.random(json, Purpose.INFERENCE, dtype, 1)) {
      DecoderConfig config = model.config();
      ObjectNode about = JSON.createObjectNode();
      about.put("vocabulary", config.vocabSize()).put("hidden", config.hiddenSize());
      about.put("layers", config.layers()).put("head_dim", config.headDim());
      ObjectNode layer = about.putObject("layer");
      model
          .decoder()
          .layers
          .get(0)
          .weights()
          .forEach((name, weight) -> layer.set(name, JSON.valueToTree(weight.shape())));
      Files.writeString(directory.resolve("model.json"), about.toString());
      KernelFilling filling = Decoder.filling(config, dtype);
      Set<String> methods = new TreeSet<>();
      for (String name : List.of("layers", "head", "generation")) {
        archive(directory, name, Decoder.class, filling);
      }
      for (String name : List.of("flat", "lowered")) {
        archive(directory, name, Segment.class, KernelFilling.NONE);
      }
      for (String name : List.of("adafactor", "adamw", "gradients", "moments", "sgd")) {
        archive(directory, name, Optimizer.class, KernelFilling.NONE);
      }
      archive(
          directory,
          "muon",
          Optimizer.class,
          new KernelFilling(
              Map.of("COMPUTE_DTYPE", filling.constants().get("COMPUTE_DTYPE")), Map.of()));
      for (Class<?> kernels :
          List.of(LayerKernels.class, HeadKernels.class, GenerationKernels.class)) {
        for (Method method : kernels.getMethods()) {
          methods.add(method.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT));
        }
      }
      methods.addAll(List.of("view_of", "moved", "zeros_on", "copy", "clear", "norm"));
      methods.addAll(List.of("zeros_in_int8", "quantize"));
      methods.addAll(List.of("zeros_in_bf16", "part", "convert", "noise", "rounded"));
      // Without AdamW's fused update, which has no fake.
      methods.addAll(List.of("step", "step_with_momentum", "factored_step"));
      return methods;
    }
  }

  /** Puts kernels with adapters, and the weights of one, in the place of those without. */
  private static void adapt(Path directory, ComputeDtype dtype) throws IOException {
    Path file = directory.resolve("model.json");
    ObjectNode about = (ObjectNode) JSON.readTree(file.toFile());
    ObjectNode layer = (ObjectNode) about.get("layer");
    int hidden = about.get("hidden").asInt();
    String module = "self_attn.o_proj";
    int inputs = layer.get(module + ".weight").get(1).asInt();
    layer.set(module + ".lora_A", JSON.valueToTree(new int[] {2, inputs}));
    layer.set(module + ".lora_B", JSON.valueToTree(new int[] {hidden, 2}));
    layer.set(module + ".lora_scale", JSON.valueToTree(new int[] {1}));
    layer.set(module + ".lora_magnitude_vector", JSON.valueToTree(new int[] {hidden}));
    about.putArray("keyed").add(module);
    Files.writeString(file, about.toString());
    ObjectNode json = Models.config(Map.of("head_dim", 8, "pad_token_id", 0));
    KernelFilling plain = Decoder.filling(DecoderConfig.parse(json, "adapted"), dtype);
    Map<String, String> constants = new HashMap<>(plain.constants());
    constants.put("ADAPTED", "True");
    constants.put("DORA", "True");
    constants.put("DROPOUT", "0.25");
    KernelFilling filling = new KernelFilling(constants, plain.modules());
    for (String name : List.of("layers", "head", "generation")) {
      archive(directory, name, Decoder.class, filling);
    }
  }

  private static void archive(Path directory, String name, Class<?> owner, KernelFilling filling)
      throws IOException {
    Files.write(directory.resolve(name + ".pt"), Kernels.archive(owner, name + ".py", filling));
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
      segment.fillValues(values -> values.put(0, new float[] {1, 2, 3}));
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
