// Returns the texts in view that stand out too little from what lies behind them, by WCAG 2.2 AA:
// 4.5 to 1, and 3 to 1 where they are large or icons. Texts of what is switched off may be faint.
() => {
  const LARGE = 24, LARGE_BOLD = 18.66, BOLD = 700;
  const SWITCHED_OFF = "input:disabled, button:disabled, [aria-disabled=true]";
  const WIDGET = ".stElementContainer";

  const channels = colour => {
    const [, kind, inside] = colour.match(/^(\w+)\((?:srgb )?([^)]*)\)$/);
    const [red, green, blue, alpha = 1] = inside.split(/[\s,/]+/).map(Number);
    const scale = kind === "color" ? 255 : 1;
    return [red * scale, green * scale, blue * scale, alpha];
  };
  const over = (upper, lower) => {
    const alpha = upper[3] + lower[3] * (1 - upper[3]);
    const mixed = [0, 1, 2].map(place =>
      (upper[place] * upper[3] + lower[place] * lower[3] * (1 - upper[3])) / (alpha || 1));
    return [...mixed, alpha];
  };
  const luminance = colour => {
    const linear = colour.slice(0, 3).map(value =>
      value <= 10.31 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ancestors = function* (element) {
    for (; element; element = element.parentElement) yield element;
  };
  const lies = (place, element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const [x, y] = [place.left + place.width / 2, place.top + place.height / 2];
    return left <= x && x <= right && top <= y && y <= bottom;
  };
  const ground = (element, place) => {
    const behind = [...ancestors(element)].filter(one => lies(place, one));
    const colours = behind.map(one => channels(getComputedStyle(one).backgroundColor));
    return over(colours.reduce(over, [0, 0, 0, 0]), [255, 255, 255, 1]);
  };
  const opacity = element =>
    [...ancestors(element)].reduce((all, one) => all * getComputedStyle(one).opacity, 1);
  const off = element =>
    element.closest(SWITCHED_OFF) ?? element.closest(WIDGET)?.querySelector(SWITCHED_OFF);

  const faint = new Set();
  const judge = (element, words, style, colour, place) => {
    const [red, green, blue, alpha] = channels(colour);
    const back = ground(element, place);
    const ratio = contrast(over([red, green, blue, alpha * opacity(element)], back), back);
    const size = parseFloat(style.fontSize);
    const large = size >= LARGE || (size >= LARGE_BOLD && style.fontWeight >= BOLD);
    const needed = large || style.fontFamily.includes("Material") ? 3 : 4.5;
    if (ratio < needed && !off(element)) faint.add(`${words.trim()}: ${ratio.toFixed(2)}`);
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, element = text.parentElement;
    if (!text.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const place = range.getBoundingClientRect();
    if (place.width < 2 || place.height < 2 || opacity(element) === 0) continue;
    const style = getComputedStyle(element);
    judge(element, text.data, style, element.closest("svg") ? style.fill : style.color, place);
  }
  for (const field of document.querySelectorAll("input[type=text], textarea")) {
    if (!field.checkVisibility()) continue;
    const style = getComputedStyle(field, field.value ? null : "::placeholder");
    const words = field.value || field.placeholder;
    judge(field, words, style, style.color, field.getBoundingClientRect());
  }
  return [...faint];
}
