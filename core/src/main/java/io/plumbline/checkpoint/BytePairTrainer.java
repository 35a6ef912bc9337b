package io.plumbline.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Learns a byte-level byte-pair vocabulary: starts from the 256 bytes and joins, again and again,
 * the pair of neighbours that occurs most often within words (Sennrich et al. 2016, Neural Machine
 * Translation of Rare Words with Subword Units, on bytes as in GPT-2). Of pairs that are equally
 * frequent the one with the smaller ids is joined first, so that the same texts give the same
 * vocabulary.
 */
final class BytePairTrainer {
  /** How a text falls into words. */
  enum Digits {
    /** Runs of digits stay together, as in GPT-2. */
    JOINED,
    /** Each digit is a word of its own, so that numbers are spelled the same everywhere. */
    SINGLE
  }

  /** GPT-2's words: contractions, letters, digits or signs with a space before, and whitespace. */
  private static final Pattern WORDS =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+"
              + "| ?[^\\p{IsWhite_Space}\\p{L}\\p{N}]+"
              + "|\\p{IsWhite_Space}+(?!\\P{IsWhite_Space})|\\p{IsWhite_Space}+");

  private static final Pattern DIGIT_OR_REST = Pattern.compile("\\p{N}|\\P{N}+");

  /**
   * What was learned.
   *
   * @param tokens by id, bytes spelled as in GPT-2 (every byte a printable character); special
   *     tokens first
   * @param merges pairs of tokens in the order in which they were joined
   */
  record Vocabulary(List<String> tokens, List<List<String>> merges) {}

  private record Pair(int left, int right) {}

  private record Candidate(Pair pair, long count) {}

  private static final class Word {
    int[] ids;
    final long count;

    Word(int[] ids, long count) {
      this.ids = ids;
      this.count = count;
    }
  }

  private BytePairTrainer() {}

  /** The printable character that stands for each byte. */
  static char[] byteCharacters() {
    char[] characters = new char[256];
    char next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable =
          (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
      characters[b] = printable ? (char) b : next++;
    }
    return characters;
  }

  /**
   * @param size how many tokens the vocabulary has at most; fewer where the texts have no more
   *     pairs that occur twice
   */
  static Vocabulary train(
      Iterable<String> texts, List<String> specialTokens, int size, Digits digits) {
    List<String> tokens = new ArrayList<>(specialTokens);
    char[] characters = byteCharacters();
    char[] alphabet = characters.clone();
    Arrays.sort(alphabet);
    for (char c : alphabet) {
      tokens.add(String.valueOf(c));
    }
    if (size < tokens.size()) {
      throw new IllegalArgumentException(
          "a vocabulary of " + size + " where the bytes alone take " + tokens.size());
    }
    int[] idOfByte = new int[256];
    for (int b = 0; b < 256; b++) {
      idOfByte[b] = specialTokens.size() + Arrays.binarySearch(alphabet, characters[b]);
    }
    List<Word> words = new ArrayList<>();
    countWords(texts, specialTokens, digits)
        .forEach((word, count) -> words.add(new Word(ids(word, idOfByte), count)));

    Map<Pair, Long> counts = new HashMap<>();
    Map<Pair, Set<Integer>> places = new HashMap<>();
    for (int w = 0; w < words.size(); w++) {
      count(words.get(w), w, counts, places);
    }
    PriorityQueue<Candidate> queue =
        new PriorityQueue<>(
            Comparator.comparingLong(Candidate::count)
                .reversed()
                .thenComparingInt(c -> c.pair().left())
                .thenComparingInt(c -> c.pair().right()));
    counts.forEach((pair, count) -> queue.add(new Candidate(pair, count)));

    List<List<String>> merges = new ArrayList<>();
    Map<String, Integer> idOfToken = new HashMap<>();
    for (int i = 0; i < tokens.size(); i++) {
      idOfToken.put(tokens.get(i), i);
    }
    while (tokens.size() < size && !queue.isEmpty()) {
      Candidate best = queue.poll();
      long count = counts.getOrDefault(best.pair(), 0L);
      if (count != best.count()) { // Its count has changed since it was queued.
        if (count > 0) {
          queue.add(new Candidate(best.pair(), count));
        }
        continue;
      }
      if (count < 2) {
        break;
      }
      String left = tokens.get(best.pair().left());
      String right = tokens.get(best.pair().right());
      int id =
          idOfToken.computeIfAbsent(
              left + right,
              token -> {
                tokens.add(token);
                return tokens.size() - 1;
              });
      merges.add(List.of(left, right));
      Set<Pair> changed = new HashSet<>();
      for (int w : places.remove(best.pair())) {
        merge(words.get(w), w, best.pair(), id, counts, places, changed);
      }
      counts.remove(best.pair());
      for (Pair pair : changed) {
        long now = counts.getOrDefault(pair, 0L);
        if (now > 0) {
          queue.add(new Candidate(pair, now));
        }
      }
    }
    return new Vocabulary(tokens, merges);
  }

  /** How often each word occurs, by its text; sorted, so that nothing depends on hashes. */
  private static Map<String, Long> countWords(
      Iterable<String> texts, List<String> specialTokens, Digits digits) {
    Map<String, Long> counts = new TreeMap<>();
    Pattern special =
        Pattern.compile(String.join("|", specialTokens.stream().map(Pattern::quote).toList()));
    for (String text : texts) {
      // A special token in a text is a token already and joins with nothing.
      for (String part : specialTokens.isEmpty() ? new String[] {text} : special.split(text, -1)) {
        words(part, digits, word -> counts.merge(word, 1L, Long::sum));
      }
    }
    return counts;
  }

  static void words(String text, Digits digits, Consumer<String> receiver) {
    if (digits == Digits.SINGLE) {
      Matcher parts = DIGIT_OR_REST.matcher(text);
      while (parts.find()) {
        gpt2Words(parts.group(), receiver);
      }
    } else {
      gpt2Words(text, receiver);
    }
  }

  private static void gpt2Words(String text, Consumer<String> receiver) {
    Matcher words = WORDS.matcher(text);
    while (words.find()) {
      receiver.accept(words.group());
    }
  }

  private static int[] ids(String word, int[] idOfByte) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = idOfByte[bytes[i] & 0xff];
    }
    return ids;
  }

  private static void count(
      Word word, int index, Map<Pair, Long> counts, Map<Pair, Set<Integer>> places) {
    for (int i = 0; i + 1 < word.ids.length; i++) {
      Pair pair = new Pair(word.ids[i], word.ids[i + 1]);
      counts.merge(pair, word.count, Long::sum);
      places.computeIfAbsent(pair, p -> new HashSet<>()).add(index);
    }
  }

  private static void merge(
      Word word,
      int index,
      Pair pair,
      int id,
      Map<Pair, Long> counts,
      Map<Pair, Set<Integer>> places,
      Set<Pair> changed) {
    Map<Pair, Long> before = pairs(word);
    int[] merged = new int[word.ids.length];
    int n = 0;
    for (int i = 0; i < word.ids.length; i++) {
      if (i + 1 < word.ids.length
          && word.ids[i] == pair.left()
          && word.ids[i + 1] == pair.right()) {
        merged[n++] = id;
        i++;
      } else {
        merged[n++] = word.ids[i];
      }
    }
    word.ids = Arrays.copyOf(merged, n);
    Map<Pair, Long> after = pairs(word);
    Set<Pair> all = new HashSet<>(before.keySet());
    all.addAll(after.keySet());
    for (Pair each : all) {
      long difference = after.getOrDefault(each, 0L) - before.getOrDefault(each, 0L);
      if (difference != 0) {
        counts.merge(each, difference * word.count, Long::sum);
        if (difference > 0) {
          places.computeIfAbsent(each, p -> new HashSet<>()).add(index);
          changed.add(each);
        }
      }
    }
  }

  private static Map<Pair, Long> pairs(Word word) {
    Map<Pair, Long> pairs = new LinkedHashMap<>();
    for (int i = 0; i + 1 < word.ids.length; i++) {
      pairs.merge(new Pair(word.ids[i], word.ids[i + 1]), 1L, Long::sum);
    }
    return pairs;
  }
}
