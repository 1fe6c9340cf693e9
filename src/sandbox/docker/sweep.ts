import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Engine } from './engine.ts'
import { toStatus } from './engine.ts'
import { isOwnerAlive, toOwnerSocket, toSlotsDir } from './owner.ts'
import { LABELS } from './spec.ts'

/**
 * Removes what drivers of this installation left when they died: containers first, then slots, then their sockets. Owners that
 * live, and other installations on the same engine, are not touched.
 * @returns ids of the containers removed
 */
export async function sweep(engine: Engine, stateDir: string, installation: string): Promise<string[]> {
  const found = await engine.call(
    'list containers',
    engine.docker.listContainers({ all: true, filters: { label: [`${LABELS.installation}=${installation}`] } }),
  )
  const owners = new Set([
    ...found.map((container) => container.Labels[LABELS.owner] ?? ''),
    ...(await list(path.join(stateDir, 'slots'))),
    ...(await list(path.join(stateDir, 'owners'))).map((name) => path.parse(name).name),
  ])
  const dead = new Set<string>()
  for (const owner of owners) {
    if (/^[0-9a-f]{12}$/.test(owner) && !(await isOwnerAlive(stateDir, owner))) dead.add(owner)
  }
  const left = found.filter((container) => dead.has(container.Labels[LABELS.owner] ?? ''))
  for (const container of left) await removeContainer(engine, container.Id)
  for (const owner of dead) {
    await rm(toSlotsDir(stateDir, owner), { recursive: true, force: true })
    await rm(toOwnerSocket(stateDir, owner), { force: true })
  }
  return left.map((container) => container.Id)
}

/** Ends and removes a container; one that is gone already, or being removed, is fine. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  try {
    await engine.call('remove a container', engine.docker.getContainer(id).remove({ force: true, v: true }))
  } catch (error) {
    const status = toStatus(error)
    if (status !== 404 && status !== 409) throw error
  }
}

async function list(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
