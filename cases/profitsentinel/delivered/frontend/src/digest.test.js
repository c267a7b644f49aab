"use strict";

const { level, dearest, ago } = require("./digest");

describe("level", () => {
  test.each([
    [0, "none"],
    [1, "low"],
    [9999, "low"],
    [10000, "medium"],
    [99999, "medium"],
    [100000, "high"],
    [100000000, "high"],
  ])("%i cents are %s", (cents, word) => {
    expect(level(cents)).toBe(word);
  });

  test.each([-1, 0.5, NaN, "100", null])("%p is no impact", (cents) => {
    expect(() => level(cents)).toThrow(RangeError);
  });
});

describe("dearest", () => {
  const lines = [
    { sku: "a", impact: 5 },
    { sku: "b", impact: 50 },
    { sku: "c", impact: 5 },
    { sku: "d", impact: 500 },
  ];

  test.each([
    [0, ""],
    [1, "d"],
    [2, "db"],
    [3, "dba"],
    [4, "dbac"],
    [9, "dbac"],
  ])("the first %i are %s", (count, skus) => {
    expect(dearest(lines, count).map((line) => line.sku).join("")).toBe(skus);
  });

  test("the list itself stays as it was", () => {
    dearest(lines, 4);
    expect(lines.map((line) => line.sku).join("")).toBe("abcd");
  });
});

describe("ago", () => {
  test.each([
    [0, "just now"],
    [59, "just now"],
    [60, "1 min ago"],
    [3599, "59 min ago"],
    [3600, "1 h ago"],
    [86399, "23 h ago"],
    [86400, "1 d ago"],
    [172800, "2 d ago"],
  ])("%i seconds are %s", (seconds, words) => {
    expect(ago(seconds)).toBe(words);
  });
});
