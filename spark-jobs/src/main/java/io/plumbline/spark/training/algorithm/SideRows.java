package io.plumbline.spark.training.algorithm;

import java.util.List;

/**
 * Rows, as SFT takes them, that every update learns beside those of a run's data.
 *
 * @param name of their shards
 * @param option that names them
 * @param data where they are
 * @param maxLength they are cut to so many tokens
 */
public record SideRows(String name, String option, List<String> data, int maxLength) {}
