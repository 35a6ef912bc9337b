package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every filter, test, method, global and operator of the language with inputs that grow: a line
 * holds its name and expressions whose cost must not grow faster than what is charged for them.
 */
final class Operations {
  /** The inputs, of n characters or elements each. */
  static Map<String, Object> inputs(int n) {
    Map<String, Object> inputs = new LinkedHashMap<>();
    inputs.put("n", (long) n);
    inputs.put("s", "a".repeat(n));
    inputs.put("t", "a".repeat(n / 2) + "b");
    inputs.put("r", "b" + "a".repeat(n / 2));
    inputs.put("sharp", "ß".repeat(n));
    inputs.put("sigma", "Σ".repeat(n));
    inputs.put("dots", "aΣ" + ".".repeat(n) + "Σ");
    inputs.put("dotted", "İ".repeat(n));
    inputs.put("han", "北".repeat(n));
    inputs.put("party", "🎉".repeat(n / 2));
    inputs.put("control", "\u0001".repeat(n));
    inputs.put("words", "Ab ".repeat(n / 3));
    inputs.put("lines", "a\n".repeat(n / 2));
    inputs.put("tabs", "\t".repeat(n / 8));
    inputs.put("opened", "<".repeat(n));
    inputs.put("comments", "<!--".repeat(n / 4));
    inputs.put("entities", "&amp;'\"".repeat(n / 7));
    inputs.put("digits", "9".repeat(n));
    inputs.put("hex", "f".repeat(n));
    inputs.put("under", "1_".repeat(n / 2) + "x");
    inputs.put("spaces", " ".repeat(n));
    inputs.put("braces", "{}".repeat(n / 2));
    inputs.put("percents", "%s".repeat(n / 2));
    inputs.put("numbers", "%.9f%d".repeat(n / 6));
    inputs.put("times", "%c".repeat(n / 2));
    inputs.put("many", "abcdefghijklmnopqrstuvwxyzäöü".repeat(n / 29));
    inputs.put("path", "a.".repeat(n / 2) + "a");
    inputs.put("commas", "a,".repeat(n / 2) + "a");
    List<Object> numbers = new ArrayList<>();
    List<Object> strings = new ArrayList<>();
    List<Object> pairs = new ArrayList<>();
    List<Object> dicts = new ArrayList<>();
    Map<String, Object> dict = new LinkedHashMap<>();
    for (int i = 0; i < n; i++) {
      numbers.add((long) i * 7919 % n);
      strings.add("k" + i);
      pairs.add(List.of("k" + i, (long) i));
      dicts.add(Map.of("a", (long) i % 10));
      dict.put("k" + i, (long) i);
    }
    inputs.put("l", numbers);
    inputs.put("m", new ArrayList<>(numbers));
    inputs.put("ls", strings);
    inputs.put("pairs", pairs);
    inputs.put("dicts", dicts);
    inputs.put("d", dict);
    inputs.put("e", new LinkedHashMap<>(dict));
    // The same string many times, so that a pass over each shows.
    inputs.put("longs", new ArrayList<>(Collections.nCopies(64, "x" + "a".repeat(n))));
    inputs.put(
        "big",
        java.math.BigInteger.TWO.pow(Math.min(14_000, n / 4)).subtract(java.math.BigInteger.ONE));
    inputs.put("small", Double.MIN_VALUE);
    inputs.put("long", Math.nextDown(Double.MIN_NORMAL));
    return inputs;
  }

  /** The expressions by the name of what they are about. */
  static Map<String, List<String>> all() {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (String line : TABLE.lines().toList()) {
      if (!line.isBlank()) {
        int colon = line.indexOf(':');
        List<String> expressions = new ArrayList<>();
        for (String expression : line.substring(colon + 1).split(";;", -1)) {
          expressions.add(expression.strip());
        }
        all.put(line.substring(0, colon).strip(), expressions);
      }
    }
    return all;
  }

  private Operations() {}

  private static final String TABLE =
      """
      filter abs: big|abs
      filter attr: d|attr('k1') ;; d|attr(s) ;; d|attr('get')
      filter batch: l|batch(1)|list ;; l|batch(3, 0)|list ;; [1]|batch(n, 0)|list ;; s|batch(2)|list
      filter capitalize: s|capitalize ;; sharp|capitalize ;; sigma|capitalize ;; dotted|capitalize
      filter center: 'x'|center(n) ;; s|center(n + 9) ;; han|center(3)
      filter count: l|count ;; han|count ;; party|count
      filter length: l|length ;; han|length ;; d|length ;; party|length
      filter d: s|d('x')
      filter default: d|default('x', true) ;; han|default('x', true)
      filter dictsort: d|dictsort ;; d|dictsort(true, 'value', true) ;; d|dictsort(by='value')
      filter e: entities|e ;; s|e
      filter escape: entities|escape ;; d|escape
      filter forceescape: entities|forceescape ;; l|forceescape
      filter filesizeformat: n|filesizeformat ;; digits|filesizeformat ;; under|filesizeformat
      filter first: l|first ;; d|first ;; s|first ;; d.items()|first ;; (d|items)|first
      filter last: l|last ;; s|last ;; d|last
      filter float: digits|float ;; under|float ;; spaces|float ;; big|float(0)
      filter int: digits|int ;; hex|int(base=16) ;; hex|int(0, 2) ;; under|int ;; digits|int(base=36) ;; spaces|int
      filter format: percents|format(s) ;; '%s'|format(s) ;; '%r'|format(control)
      filter groupby: dicts|groupby('a') ;; dicts|groupby('a', case_sensitive=true) ;; ls|groupby('x', default='')
      filter indent: lines|indent ;; s|indent(n) ;; lines|indent('ab', true, true) ;; lines|indent(3)
      filter items: d|items|list ;; d|items|first
      filter join: l|join ;; ls|join(', ') ;; s|join('ab') ;; longs|join ;; dicts|join('-', 'a') ;; l|join(s)
      filter list: l|list ;; s|list ;; han|list ;; d|list ;; d.items()|list ;; range(n)|list
      filter lower: s|lower ;; sigma|lower ;; dotted|lower ;; dots|lower ;; words|lower ;; d|lower
      filter upper: s|upper ;; sharp|upper ;; han|upper ;; party|upper ;; l|upper
      filter map: l|map('string')|list ;; dicts|map(attribute='a')|list ;; longs|map('upper')|list ;; l|map(attribute=path, default=d)|list ;; longs|map('length')|list
      filter max: l|max ;; ls|max ;; longs|max ;; dicts|max(attribute='a')
      filter min: l|min ;; ls|min ;; s|min
      filter pprint: d|pprint
      filter random: l|random
      filter urlize: s|urlize
      filter wordwrap: s|wordwrap
      filter replace: s|replace('a', 'bb') ;; s|replace('', '-') ;; s|replace(t, 'x') ;; s|replace('aa', '') ;; han|replace('北', 'x', 3) ;; d|replace('k', 'l')
      filter reverse: s|reverse ;; l|reverse|list ;; party|reverse ;; d|reverse|list
      filter round: big|round(-9) ;; big|round(-2000) ;; small|round(400) ;; long|round(300, 'floor') ;; n|round(5000, 'ceil')
      filter safe: s|safe ;; d|safe
      filter select: l|select|list ;; l|select('odd')|list ;; longs|select('lower')|list ;; l|select('in', l)|list
      filter reject: l|reject('odd')|list ;; longs|reject('==', longs[0])|list
      filter selectattr: dicts|selectattr('a')|list ;; dicts|selectattr('a', '>', 3)|list ;; dicts|selectattr(path)|list ;; l|selectattr(path)|list
      filter rejectattr: dicts|rejectattr('a')|list ;; l|rejectattr(digits)|list
      filter slice: l|slice(3)|list ;; l|slice(n)|list ;; [1]|slice(n, 0)|list
      filter sort: l|sort ;; ls|sort ;; longs|sort ;; dicts|sort(attribute='a') ;; l|sort(reverse=true) ;; [{'a': 1}]|sort(attribute=commas) ;; pairs|sort ;; s|sort
      filter string: l|string ;; d|string ;; s|string ;; big|string
      filter striptags: opened|striptags ;; comments|striptags ;; words|striptags ;; entities|striptags
      filter sum: l|sum ;; [big, big]|sum ;; [l, l]|sum(start=[])
      filter title: s|title ;; words|title ;; sigma|title ;; sharp|title
      filter tojson: l|tojson ;; d|tojson(indent=2) ;; control|tojson ;; han|tojson(ensure_ascii=true) ;; d|tojson(sort_keys=true) ;; [[[l]]]|tojson(indent=500) ;; [1]|tojson(indent=n) ;; [small, long]|tojson ;; pairs|tojson(separators=(s, s))
      filter trim: spaces|trim ;; s|trim(t) ;; s|trim(many) ;; party|trim('🎉')
      filter truncate: s|truncate(9) ;; words|truncate(n // 2) ;; han|truncate(n // 2, true) ;; s|truncate(n - 9, true, t)
      filter unique: l|unique|list ;; ls|unique|list ;; longs|unique|list ;; dicts|unique(attribute='a')|list ;; s|unique|list
      filter urlencode: s|urlencode ;; han|urlencode ;; d|urlencode ;; control|urlencode ;; party|urlencode
      filter wordcount: words|wordcount ;; han|wordcount
      filter xmlattr: d|xmlattr ;; {'a': entities}|xmlattr ;; {s: 1}|xmlattr
      method capitalize: s.capitalize() ;; sharp.capitalize()
      method count: s.count('a') ;; s.count(t) ;; han.count('') ;; s.count('a', 3) ;; l.count(1) ;; longs.count(longs[1])
      method endswith: s.endswith(t) ;; s.endswith((t, t, t)) ;; han.endswith('x', 3) ;; party.endswith('x', 1, n)
      method find: s.find('b') ;; s.find(t) ;; han.find('x', n // 2) ;; party.find('x', 9)
      method format: braces.format(*l) ;; '{} {1}'.format(s, s) ;; '{x}'.format(x=han) ;; s.format()
      method index: s.index('a') ;; s.index(t) ;; l.index(1) ;; longs.index(longs[3])
      method isalnum: s.isalnum() ;; han.isalnum()
      method isalpha: s.isalpha()
      method isdigit: digits.isdigit()
      method islower: s.islower() ;; han.islower()
      method isspace: spaces.isspace()
      method isupper: s.isupper() ;; sharp.isupper()
      method join: s.join(ls) ;; ','.join(ls) ;; ','.join(s) ;; ','.join(d)
      method lower: s.lower() ;; sigma.lower() ;; dots.lower()
      method lstrip: s.lstrip(many) ;; spaces.lstrip()
      method removeprefix: s.removeprefix(t) ;; s.removeprefix('a')
      method removesuffix: s.removesuffix(r) ;; s.removesuffix('a')
      method replace: s.replace('a', 'b') ;; s.replace(t, '') ;; s.replace('', t, 3)
      method rstrip: s.rstrip(many) ;; spaces.rstrip() ;; s.rstrip(t)
      method split: words.split() ;; s.split('a') ;; s.split(t) ;; words.split(None, 3) ;; spaces.split()
      method splitlines: lines.splitlines() ;; lines.splitlines(true)
      method startswith: s.startswith(t) ;; s.startswith((t, t)) ;; party.startswith('x', 3)
      method strip: s.strip(t) ;; s.strip(many) ;; spaces.strip() ;; party.strip('🎉' ~ many)
      method title: words.title() ;; sigma.title() ;; sharp.title()
      method upper: s.upper() ;; sharp.upper()
      method get: d.get('k1') ;; d.get(s) ;; {(s, s): 1}.get((s, s))
      method keys: d.keys() ;; d.keys()|first
      method values: d.values()|list ;; 3 in d.values() ;; d.values()|string
      method items: d.items()|list ;; ('k1', 1) in d.items() ;; d.items()|string
      method copy: d.copy() ;; l.copy()
      test odd: big is odd
      test even: big is even
      test defined: s is defined
      test undefined: s is undefined
      test filter: s is filter ;; (s, s) is filter
      test test: s is test ;; (l[0], s) is test
      test none: s is none
      test boolean: s is boolean
      test false: s is false
      test true: s is true
      test integer: big is integer
      test float: big is float
      test lower: s is lower ;; d is lower ;; han is lower
      test upper: s is upper ;; sharp is upper
      test string: s is string
      test mapping: d is mapping
      test number: big is number
      test sequence: l is sequence
      test iterable: l is iterable
      test callable: l is callable
      test escaped: s is escaped
      test divisibleby: big is divisibleby(big) ;; big is divisibleby 3
      test sameas: s is sameas(s ~ '') ;; s is sameas s
      test in: t is in s ;; 'b' is in s ;; 7 is in l ;; s is in d ;; longs[0] is in longs
      test ==: [s, l, big]|select('==', s ~ '')|list ;; [l, m]|select('==', m)|list
      test eq: l is eq m ;; d is eq e ;; long is eq big
      test equalto: s is equalto t
      test !=: [s, l, big]|select('!=', s ~ '')|list ;; [l, m]|select('!=', m)|list
      test ne: s is ne (s ~ '')
      test >: [s, s]|select('>', s ~ '')|list ;; [l, m]|select('>', m)|list
      test gt: s is gt (s ~ '')
      test greaterthan: big is greaterthan long
      test ge: l is ge m
      test >=: [s, s]|select('>=', s ~ '')|list ;; [l, m]|select('>=', m)|list
      test <: [s, s]|select('<', s ~ '')|list ;; [l, m]|select('<', m)|list
      test lt: big is lt big
      test lessthan: s is lessthan (s ~ '')
      test <=: [s, s]|select('<=', s ~ '')|list ;; [l, m]|select('<=', m)|list
      test le: pairs is le pairs
      global range: range(n) ;; range(n)[::3] ;; range(n)|sum
      global dict: dict(d) ;; dict(pairs) ;; dict(d, a=1)
      global namespace: namespace(d) ;; namespace(d)|string
      global cycler: cycler(*l).next() ;; cycler(*l).items
      global joiner: joiner(s)()
      global lipsum: lipsum()
      global raise_exception: raise_exception(s) ;; raise_exception(d)
      global strftime_now: strftime_now(times) ;; strftime_now(s)
      operator +: s + s ;; l + l ;; big + big ;; (s|safe) + entities ;; entities + (s|safe)
      operator -: big - big ;; -big ;; +big
      operator *: big * big ;; 'ab' * n ;; [1, 2] * n ;; (1,) * n ;; [] * n ;; '' * n
      operator /: big / 3 ;; big / big ;; n / big
      operator //: big // 7 ;; big // (big // 3) ;; big // 1e300
      operator %: big % (big // 3) ;; '%s' % s ;; percents % l ;; '%(k1)s' % d ;; '%d %d' % (big, n) ;; '%.900f' % long ;; '%.900f' % 1e308 ;; numbers % l
      operator **: 3 ** (n // 8) ;; big ** 1 ;; 2 ** 60000 ;; 10 ** -300
      operator ~: s ~ s ;; l ~ d ;; small ~ long ~ big
      operator ==: s == s ~ '' ;; l == m ;; d == e ;; longs == longs|list ;; range(n) == range(n)
      operator in: t in s ;; r in s ;; 'x' in han ;; s in d ;; (s, big) in d ;; l in l ;; l in pairs ;; 3 in range(n)
      operator not in: t not in s ;; 'x' not in d
      operator <: s < s ~ 'a' ;; l < m ;; big < long ;; long < big
      operator not: not d ;; not han
      operator and: s and l and d
      operator or: s or l
      operator if: 1 if s else 2
      subscript: s[n // 2] ;; han[n // 2] ;; party[-1] ;; party[n // 3] ;; l[-1] ;; d['k1'] ;; d[s] ;; d[(s, s)] ;; d[big] ;; l[s] ;; s[s] ;; range(n)[5]
      slice: s[1:] ;; han[::2] ;; party[::-1] ;; party[3:n] ;; l[::-1] ;; l[1:n:7] ;; (l|list)[5:] ;; s[::-5] ;; d.items()[1:]
      attribute: d.k1 ;; d.missing ;; l.missing|string ;; s.missing
      literal: [s, l, (d, d), {'a': s, s: 1}] ;; (l, l) ;; {s: 1} ;; {(s, s): 1} ;; {big: 1, long: 2}
      call: namespace(**d) ;; dict(**d) ;; dict(*[pairs]) ;; d.get(*ls) ;; '{k1}'.format(**d)
      repr: [s, control, han] ;; [l, d, pairs]|string ;; [[long, small, big]]|string ;; (namespace(a=l),)|string
      """;
}
