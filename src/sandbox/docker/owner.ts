import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'

/**
 * Who owns containers and slots. An owner is one driver; it is alive exactly as long as it listens on its socket in the state
 * directory, which the kernel ends with the process. Unlike a process id that holds across containers and is never reused.
 */
export interface Owner {
  readonly id: string
  /** Same for all drivers of one state directory, and only for those. */
  readonly installation: string
  /** Directory for this owner's slots. */
  readonly slots: string
  release(): Promise<void>
}

/** Longest path the kernel takes for a unix socket. */
const MAX_SOCKET_PATH = 107

export async function claimOwner(stateDir: string): Promise<Owner> {
  const id = randomBytes(6).toString('hex')
  const socket = toOwnerSocket(stateDir, id)
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
    throw new RangeError(
      `the sandbox state directory ${stateDir} is too long a path for a unix socket; choose one of at most ` +
        `${MAX_SOCKET_PATH - (Buffer.byteLength(socket) - Buffer.byteLength(stateDir))} bytes`,
    )
  }
  const slots = toSlotsDir(stateDir, id)
  await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 })
  const server = net.createServer((connection) => connection.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  server.unref()
  await mkdir(slots, { recursive: true, mode: 0o711 })
  return {
    id,
    installation: await readInstallation(stateDir),
    slots,
    async release() {
      await rm(slots, { recursive: true, force: true })
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export async function isOwnerAlive(stateDir: string, id: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const connection = net.connect(toOwnerSocket(stateDir, id))
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', (error: NodeJS.ErrnoException) => {
      // Anything but these two says nothing about the owner, so it counts as alive.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}

export function toOwnerSocket(stateDir: string, id: string): string {
  return path.join(stateDir, 'owners', `${id}.sock`)
}

export function toSlotsDir(stateDir: string, id: string): string {
  return path.join(stateDir, 'slots', id)
}

async function readInstallation(stateDir: string): Promise<string> {
  const file = path.join(stateDir, 'installation')
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, randomBytes(8).toString('hex'))
  try {
    // A link is create-if-absent and never shows half a file.
    await link(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return (await readFile(file, 'utf8')).trim()
}
