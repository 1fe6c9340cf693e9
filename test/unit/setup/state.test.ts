import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readProjectState, removeProjectState, writeProjectState } from '../../../src/setup/state.ts'

const folder = await mkdtemp(join(tmpdir(), 'recourse-state-'))
afterAll(() => rm(folder, { recursive: true }))

const state = {
  temporal: { address: '127.0.0.1:7233', namespace: 'default', uiUrl: null, server: { pid: 7, startTime: '70' } },
  worker: { pid: 8, startTime: null },
  modelServer: null,
  taskQueue: 'recourse',
}

test('is read as it was written, and is nothing else in the folder', async () => {
  expect(await readProjectState(folder)).toBeNull()
  await writeProjectState(folder, state)
  await writeProjectState(folder, { ...state, taskQueue: 'other' })
  expect(await readProjectState(folder)).toEqual({ ...state, taskQueue: 'other' })
  expect(await readdir(join(folder, '.recourse'))).toEqual(['state.json'])
  await removeProjectState(folder)
  expect(await readProjectState(folder)).toBeNull()
})

test.for(['', '{}', '{"temporal":', 'null'])('content %j is refused by name of the file', async (content) => {
  await mkdir(join(folder, '.recourse'), { recursive: true })
  const file = join(folder, '.recourse', 'state.json')
  await writeFile(file, content)
  await expect(readProjectState(folder)).rejects.toThrow(
    `${file} cannot be understood; delete it and run \`recourse up\` again`,
  )
})
