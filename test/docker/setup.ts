import type { TestProject } from 'vitest/node'
import { readEnvironment } from '../../src/config/environment.ts'
import { ensureDocker } from '../../src/setup/docker.ts'
import { ensureSandboxImage } from '../../src/setup/image.ts'
import { createProgress } from '../../src/setup/progress.ts'
import { setup as setupServer } from '../server/setup.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Name of the sandbox image. */
    sandboxImage: string
  }
}

/** Sees to Docker and the sandbox image, then to a Temporal server. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const progress = createProgress()
  await ensureDocker({ stateDirectory: readEnvironment().stateDirectory, progress })
  project.provide('sandboxImage', await ensureSandboxImage(progress))
  return setupServer(project)
}
