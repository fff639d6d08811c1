// Small choices kept in this browser for the next call; without storage nothing is kept and nothing breaks.

const PREFIX = "mrsr.";

export function recall(key, otherwise = "") {
  try {
    return localStorage.getItem(PREFIX + key) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
  } catch {
    // private windows may refuse
  }
}
