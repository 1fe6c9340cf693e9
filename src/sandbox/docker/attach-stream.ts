/** Which of the container's streams a piece belongs to, by Docker's numbering. */
export type Source = 'stdout' | 'stderr'

const HEADER_BYTES = 8

/**
 * Takes Docker's attach stream apart (Engine API, "Stream format": type, three zeros, length as 32 bits big-endian, payload)
 * without gathering payloads, so that memory stays flat whatever the lengths say.
 */
export function createDemultiplexer(onBytes: (source: Source, bytes: Uint8Array) => void): (chunk: Uint8Array) => void {
  const header = Buffer.alloc(HEADER_BYTES)
  let filled = 0
  let left = 0

  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (left === 0) {
        const take = Math.min(HEADER_BYTES - filled, chunk.length - at)
        header.set(chunk.subarray(at, at + take), filled)
        filled += take
        at += take
        if (filled < HEADER_BYTES) return
        filled = 0
        left = header.readUInt32BE(4)
        continue
      }
      const take = Math.min(left, chunk.length - at)
      onBytes(header[0] === 2 ? 'stderr' : 'stdout', chunk.subarray(at, at + take))
      left -= take
      at += take
    }
  }
}
