package io.plumbline.spark.training;

import io.plumbline.model.LoraSettings;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.Heading;
import io.plumbline.settings.SettingsOf;
import io.plumbline.settings.Without;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.OptionHelp;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The options of training commands, as the records of a request declare them. */
public final class TrainingOptions {
  private TrainingOptions() {}

  /** What an algorithm's command offers, in the order of its help. */
  public static List<DeclaredOption> of(Algorithm algorithm) {
    return DeclaredOption.offered(all(algorithm), algorithm.settings());
  }

  /** The options of an algorithm with those that its command lacks, which have standard values. */
  public static List<DeclaredOption> all(Algorithm algorithm) {
    List<Class<? extends Record>> parts = new ArrayList<>();
    parts.addAll(
        List.of(
            FileSettings.class,
            BatchSettings.class,
            LoraSettings.class,
            OptimizerSettings.class,
            LengthSettings.class));
    Class<? extends Record> own = algorithm.settings();
    // What an algorithm has of its own stands with what has the same heading, else before it all.
    boolean ofTexts = own.getAnnotation(Heading.class).value().equals(OptionHelp.TEXTS);
    parts.add(ofTexts ? parts.size() : 1, own);
    parts.addAll(List.of(SavingSettings.class, ClusterSettings.class, TrackingSettings.class));
    List<DeclaredOption> options = new ArrayList<>();
    parts.forEach(part -> options.addAll(SettingsOf.type(part).options()));
    return DeclaredOption.varied(options, algorithm.settings());
  }

  /** The options of a request with their values, without those that do nothing in it. */
  static Map<String, Object> values(TrainingRequest request) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.putAll(valuesOf(request.files()));
    values.putAll(valuesOf((Record) request.objective()));
    values.putAll(valuesOf(request.batch()));
    values.putAll(valuesOf(request.lora()));
    values.putAll(valuesOf(request.optimizer()));
    values.putAll(valuesOf(request.lengths()));
    values.putAll(request.templates().options());
    values.putAll(valuesOf(request.saving()));
    values.putAll(valuesOf(request.cluster()));
    request.tracking().ifPresent(tracking -> values.putAll(valuesOf(tracking)));
    Without without = request.objective().getClass().getAnnotation(Without.class);
    if (without != null) {
      values.keySet().removeAll(List.of(without.value()));
    }
    return values;
  }

  @SuppressWarnings("unchecked")
  private static <T extends Record> Map<String, Object> valuesOf(T settings) {
    return SettingsOf.type((Class<T>) settings.getClass()).values(settings);
  }
}
