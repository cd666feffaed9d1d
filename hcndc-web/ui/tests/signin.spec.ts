/** Signing in by a provider, with a server of its own: `.ci/oidc start DIR` gives the provider's URL. */
import { accessible, expect, look, server, test } from './fixture'
import { servePeople } from './private'

const provider = (process.env['HCNDC_TEST_OIDC_URLS'] ?? '').split(/\s/)[0] ?? ''

/** What sends people to the provider. */
function settings(): Record<string, string> {
  const given = new URL(provider)
  const client = given.searchParams
  return {
    HCNDC_OIDC_ISSUER: given.origin, HCNDC_OIDC_CLIENT_ID: client.get('client_id') ?? '', HCNDC_OIDC_CLIENT_SECRET: client.get('client_secret') ?? '',
    HCNDC_OIDC_LABEL: 'House account', HCNDC_OIDC_NEWCOMERS: 'create', HCNDC_OIDC_ROLE: 'etl-admins=admin',
  }
}

test('somebody goes to the provider and comes back to the page that was asked for', async ({ page }) => {
  test.skip(!provider && process.env['HCNDC_CI'] !== '1', 'HCNDC_TEST_OIDC_URLS is not set')
  const { address, stop } = await servePeople(settings())
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
    await stop()
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
