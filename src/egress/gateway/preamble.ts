import type { Socket } from 'node:net'
import { z } from 'zod'

/** Longest first line, bytes. */
const LIMIT = 1024
/** Milliseconds until a connection that says nothing is dropped. */
const PATIENCE_MS = 10_000

/** What the forwarder says it was dialled as. Untrusted: for the log only, the Host header and the socket decide. */
export const Preamble = z.object({ host: z.string().max(255), port: z.number().int().min(0).max(65_535) })
export type Preamble = z.infer<typeof Preamble>

/**
 * Takes the first line off a connection; what follows it is left in the socket, which is paused.
 * null: there is no such line, and the connection is not one of the forwarder's.
 */
export async function takePreamble(socket: Socket): Promise<Preamble | null> {
  const line = await takeLine(socket)
  if (line === null) return null
  try {
    return Preamble.parse(JSON.parse(line))
  } catch {
    return null
  }
}

async function takeLine(socket: Socket): Promise<string | null> {
  return await new Promise((resolve) => {
    let head = Buffer.alloc(0)
    const timer = setTimeout(() => done(null), PATIENCE_MS)
    const done = (line: string | null) => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('close', onClose).off('error', onClose)
      resolve(line)
    }
    const onClose = () => done(null)
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(0x0a)
      if (end < 0 && head.length <= LIMIT) return
      if (end < 0 || end > LIMIT) return done(null)
      const rest = head.subarray(end + 1)
      done(head.subarray(0, end).toString('utf8'))
      if (rest.length > 0) socket.unshift(rest)
    }
    socket.on('data', onData).on('close', onClose).on('error', onClose)
    // Connections arrive paused, so that not a byte is lost before somebody listens.
    socket.resume()
  })
}
