import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ProcessMark } from './processes.ts'

/** What `recourse up` left running for a project, read by every other command in that folder. */
export const ProjectState = z.object({
  temporal: z.object({
    address: z.string(),
    namespace: z.string(),
    uiUrl: z.string().nullable(),
    /** The server we started; null: somebody else's. */
    server: ProcessMark.nullable(),
  }),
  worker: ProcessMark.nullable(),
  modelServer: ProcessMark.extend({ url: z.string() }).nullable().default(null),
  /** Prefix of the task queues. */
  taskQueue: z.string(),
})
export type ProjectState = z.infer<typeof ProjectState>

const stateFile = (project: string) => join(project, '.recourse', 'state.json')

/**
 * The state of the project in folder `project`; null when nothing was started there.
 * Its processes may have ended since: ask `isRunning`.
 * @throws Error naming the file when it cannot be understood.
 */
export async function readProjectState(project: string): Promise<ProjectState | null> {
  const file = stateFile(project)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  try {
    return ProjectState.parse(JSON.parse(text))
  } catch (error) {
    throw new Error(`${file} cannot be understood; delete it and run \`recourse up\` again`, { cause: error })
  }
}

/** Writes the state as a whole or not at all. */
export async function writeProjectState(project: string, state: ProjectState): Promise<void> {
  const file = stateFile(project)
  await mkdir(dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  const handle = await open(temporary, 'w')
  try {
    await handle.writeFile(`${JSON.stringify(state, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}

export async function removeProjectState(project: string): Promise<void> {
  await rm(stateFile(project), { force: true })
}
