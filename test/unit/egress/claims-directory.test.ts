import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectoryClaims } from '../../../src/egress/claims/directory.ts'
import { describeClaims } from './claims-contract.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'claims-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

describe('claims in a directory', () => {
  describeClaims(async () => ({ claims: createDirectoryClaims(root), reopen: () => createDirectoryClaims(root) }))

  it('leaves no half claim, wherever its process is killed', async () => {
    const module = new URL('../../../src/egress/claims/directory.ts', import.meta.url).pathname
    const value = 'v'.repeat(20_000)
    const code = `
      import { createDirectoryClaims } from ${JSON.stringify(module)}
      const claims = createDirectoryClaims(${JSON.stringify(root)})
      for (let n = 0; ; n += 1) {
        await claims.create('run/' + process.pid + '-' + n, ${JSON.stringify(value)})
        await claims.settle('run/' + process.pid + '-' + n, ${JSON.stringify(value)})
        process.stdout.write(n + '\\n')
      }`
    for (let round = 0; round < 4; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      for await (const chunk of child.stdout.setEncoding('utf8')) {
        said += chunk
        if (said.split('\n').length > 5 + round * 3) break
      }
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const finished = said.split('\n').filter(Boolean)
      const claims = createDirectoryClaims(root)
      const keys = await claims.list(`run/${child.pid}-`)
      expect(keys.length).toBeGreaterThanOrEqual(finished.length)
      for (const key of keys) expect(await claims.read(key)).toMatchObject({ value })
      for (const n of finished) expect(await claims.read(`run/${child.pid}-${n}`)).toEqual({ value, outcome: value })
    }
  })

  it('says which file is broken rather than taking it for no claim', async () => {
    const claims = createDirectoryClaims(root)
    await claims.create('run/s1.1.1', {})
    const [name = ''] = await readdir(join(root, 'run'))
    expect(await readFile(join(root, 'run', name), 'utf8')).toContain('run/s1.1.1')
    await writeFile(join(root, 'run', name), '')
    await expect(claims.create('run/s1.1.1', {})).rejects.toThrow(
      'can not be read; nothing is sent or undone without it',
    )
  })
})
