/** Signing in by a provider, with a server of its own: `.ci/oidc start DIR` gives the provider's URL. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { accessible, expect, look, server, test } from './fixture'

const program = process.env['HCNDC_BIN'] ?? path.resolve('../../target/debug/hcndc')
const provider = process.env['HCNDC_TEST_OIDC_URL'] ?? ''

/** A server that sends people to the provider. */
async function serve(folder: string): Promise<{ address: string; child: ChildProcess }> {
  const given = new URL(provider)
  const client = given.searchParams
  const child = spawn(program, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0', '--no-executor'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env, HCNDC_LANG: 'en', HCNDC_ACCESS: 'users', HCNDC_OIDC_ISSUER: given.origin, HCNDC_OIDC_CLIENT_ID: client.get('client_id') ?? '',
      HCNDC_OIDC_CLIENT_SECRET: client.get('client_secret') ?? '', HCNDC_OIDC_LABEL: 'House account', HCNDC_OIDC_NEWCOMERS: 'create', HCNDC_OIDC_ROLE: 'etl-admins=admin',
    },
  })
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code} before it served`)))
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const found = /http:\/\/[\d.:]+/.exec(line)
      if (found) resolve(found[0])
    })
  })
  return { address, child }
}

test('somebody goes to the provider and comes back to the page that was asked for', async ({ page }) => {
  test.skip(!provider && process.env['HCNDC_CI'] !== '1', 'HCNDC_TEST_OIDC_URL is not set')
  const folder = mkdtempSync(path.join(tmpdir(), 'hcndc-signin-'))
  const { address, child } = await serve(folder)
  try {
    await look(page, { locale: 'en', theme: 'light' })
    await page.goto(`${address}/user/`)
    await page.getByRole('button', { name: 'Sign in with House account' }).click()
    await page.getByLabel('Account').fill('ann')
    await page.getByLabel('Password').fill('ann-password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page).toHaveURL(`${address}/user/`)
    await expect(page.locator('tbody')).toContainText('ann of the provider')

    await page.context().clearCookies()
    await look(page, { locale: 'zh-CN', theme: 'dark' })
    await page.goto(`${address}/login/`)
    await page.getByRole('button', { name: '通过 House account 登录' }).click()
    await page.getByRole('button', { name: 'Refuse' }).click()
    await expect(page.getByRole('alert')).toContainText('身份提供方没有让您登录')
    await accessible(page)
  } finally {
    child.kill('SIGTERM')
    await new Promise<void>((resolve) => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve()))
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a server without a provider shows no way to one', async ({ page }) => {
  await look(page, { locale: 'en', theme: 'light' })
  await page.route('**/api/v1/session', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{"code":"signed_out","title":"","detail":"","faults":[]}' }))
  await page.goto(`${server()}/login/?refused=sign_in_expired`)
  await expect(page.getByRole('alert')).toContainText('Please begin again')
  await expect(page.getByRole('button', { name: /^Sign in with/ })).toHaveCount(0)
  await accessible(page)
})
