const DIMENSIONS = 256

/**
 * A deterministic stand-in for an embedding: words hashed into a vector of unit length, so that texts sharing words are
 * near. Good enough to test retrieval, not to rank meaning.
 */
export function embed(text: string, dimensions: number = DIMENSIONS): number[] {
  const vector = new Array<number>(dimensions).fill(0)
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    const hash = toHash(word)
    const index = hash % dimensions
    // The sign keeps different words that share a place from adding up to a likeness.
    vector[index] = (vector[index] ?? 0) + (hash & 0x8000_0000 ? 1 : -1)
  }
  const length = Math.hypot(...vector)
  if (length === 0) return vector.map((_, index) => (index === 0 ? 1 : 0))
  return vector.map((each) => each / length)
}

/** FNV-1a, 32 bits, unsigned. */
function toHash(word: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
