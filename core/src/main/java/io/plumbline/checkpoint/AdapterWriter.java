package io.plumbline.checkpoint;

import io.plumbline.storage.Storage;
import java.util.List;

/** Writes an adapter's directory as PEFT reads it: weights first, adapter_config.json last. */
public final class AdapterWriter {
  private AdapterWriter() {}

  /**
   * Writes a directory. An adapter that was there before is replaced: it stops being complete
   * first.
   *
   * @param start the model that it adapts, or one with an earlier adapter
   * @param tensors by PEFT's names
   */
  public static void write(
      Storage storage,
      String path,
      AdapterConfig config,
      ModelDirectory start,
      List<? extends TensorSource> tensors,
      Dtype dtype) {
    String file = Storage.join(path, AdapterConfig.FILE);
    storage.delete(file);
    SafetensorsWriter.write(storage, Storage.join(path, Adapter.WEIGHTS), tensors, dtype);
    start
        .tokenizerFiles()
        .contents()
        .forEach((name, text) -> storage.writeText(Storage.join(path, name), text));
    storage.writeText(file, config.ofBase(storage.absolute(start.base().path())).text());
  }
}
