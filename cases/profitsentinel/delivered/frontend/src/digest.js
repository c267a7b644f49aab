"use strict";

/** How a digest's line is shown: what it is worth, in a word. */
function level(cents) {
  if (!Number.isInteger(cents) || cents < 0) throw new RangeError(`${cents} is no impact`);
  if (cents >= 100000) return "high";
  if (cents >= 10000) return "medium";
  return cents > 0 ? "low" : "none";
}

/** The lines that a person should look at, the dearest first; equals stay in their order. */
function dearest(lines, count) {
  return [...lines].sort((a, b) => b.impact - a.impact).slice(0, count);
}

/** How long ago something was. */
function ago(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

module.exports = { level, dearest, ago };
