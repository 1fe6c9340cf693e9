import { defineConfig } from 'vitest/config'

// unit and replay need nothing but Node; server needs a Temporal server; docker needs Docker and the sandbox image.
// Their global setups find, start or install what is missing (src/setup).
const project = (name: string, options: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...options },
})

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('replay', { testTimeout: 60_000 }),
      project('server', {
        testTimeout: 120_000,
        hookTimeout: 600_000,
        globalSetup: ['test/server/setup.ts'],
        fileParallelism: false,
      }),
      project('docker', {
        testTimeout: 120_000,
        hookTimeout: 900_000,
        globalSetup: ['test/docker/setup.ts'],
        fileParallelism: false,
      }),
    ],
  },
})
