import { z } from 'zod'

/**
 * A reference to bytes in the blob store. Bytes are never in a workflow's history themselves beyond 1 KiB; `text`
 * repeats them when they are at most 1 KiB of valid UTF-8, so that small things can be read in the Temporal Web UI.
 */
export const Stored = z.object({
  /** `sha256:` and 64 hex digits. */
  digest: z.string(),
  /** Bytes. */
  size: z.number().int().nonnegative(),
  /** Media type as the sender named it, or null. */
  type: z.string().nullable(),
  text: z.string().optional(),
})
export type Stored = z.infer<typeof Stored>

/** Above this many bytes a body is only in the blob store. */
export const INLINE_BYTES = 1024
