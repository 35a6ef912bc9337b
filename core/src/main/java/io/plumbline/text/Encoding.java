package io.plumbline.text;

/**
 * Token ids with the characters that each came from.
 *
 * @param ids one a token
 * @param starts the first character of each token, in Unicode code points of the text; both 0 for a
 *     special token that the text does not hold
 * @param ends the character after the last of each token
 */
public record Encoding(int[] ids, int[] starts, int[] ends) {}
