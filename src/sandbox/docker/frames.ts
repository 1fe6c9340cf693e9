import { z } from 'zod'

/**
 * What PID 1 of a container says, as lines of JSON inside Docker's attach stream. Everything here may be forged, broken or
 * endless: a frame is data about the job's own output and never ends anything.
 */

/** Room for a result of 1 MiB in base64. A longer line is dropped. */
export const MAX_FRAME_BYTES = 1_500_000

const Frame = z.discriminatedUnion('t', [
  /** Warm: everything is loaded and the forwarder listens. */
  z.strictObject({ t: z.literal('ready') }),
  /** The job has arrived; its first line runs next. */
  z.strictObject({ t: z.literal('begun') }),
  z.strictObject({ t: z.literal('out'), d: z.string() }),
  z.strictObject({ t: z.literal('err'), d: z.string() }),
  z.strictObject({ t: z.literal('result'), d: z.string() }),
  /** A hint only: the exit code that counts is the container's. */
  z.strictObject({ t: z.literal('exit'), code: z.int(), oom: z.boolean() }),
])
export type Frame = z.infer<typeof Frame>

export interface FrameReader {
  push(bytes: Uint8Array): void
}

/** Cuts bytes into lines and lines into frames; what is no frame, or longer than the cap, goes to `onBroken`. */
export function createFrameReader(handlers: { onFrame(frame: Frame): void; onBroken(): void }): FrameReader {
  let parts: Uint8Array[] = []
  let size = 0
  let skipping = false

  const take = (part: Uint8Array): void => {
    if (skipping) return
    size += part.length
    if (size <= MAX_FRAME_BYTES) {
      // The caller may reuse its buffer only after push returned, so a copy is made of what stays.
      parts.push(part)
      return
    }
    skipping = true
    parts = []
    handlers.onBroken()
  }

  const finish = (): void => {
    if (!skipping) {
      const frame = toFrame(Buffer.concat(parts).toString('utf8'))
      if (frame) handlers.onFrame(frame)
      else handlers.onBroken()
    }
    parts = []
    size = 0
    skipping = false
  }

  return {
    push(bytes) {
      let from = 0
      for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, from)) {
        take(bytes.subarray(from, at))
        finish()
        from = at + 1
      }
      if (from < bytes.length) take(Uint8Array.from(bytes.subarray(from)))
    },
  }
}

function toFrame(line: string): Frame | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  const parsed = Frame.safeParse(value)
  return parsed.success ? parsed.data : null
}

/** Bytes of an `out`, `err` or `result` frame. */
export function toBytes(frame: { readonly d: string }): Uint8Array {
  return Buffer.from(frame.d, 'base64')
}

/** Text of a result, or null where it is not UTF-8. */
export function toResultText(frame: { readonly d: string }): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(toBytes(frame))
  } catch {
    return null
  }
}
