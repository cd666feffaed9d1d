/** Asks before something is done; tells what came of it. */
import { ElMessage } from 'element-plus/es/components/message/index'
import { ElMessageBox } from 'element-plus/es/components/message-box/index'
import 'element-plus/es/components/message/style/css'
import 'element-plus/es/components/message-box/style/css'
import { asProblem } from '@/api/problem'
import { t } from '@/i18n'

export interface Question {
  title: string
  text: string
  action: string
  danger?: boolean
  cancel?: string
}

/** Whether a person says yes. */
export async function ask(question: Question): Promise<boolean> {
  try {
    await ElMessageBox.confirm(question.text, question.title, {
      confirmButtonText: question.action,
      cancelButtonText: question.cancel ?? t('common.cancel'),
      confirmButtonClass: question.danger ? 'el-button--danger' : '',
      closeOnClickModal: false,
      customClass: 'lines',
    })
    return true
  } catch {
    return false
  }
}

/** Shows what is told once and never again. */
export async function showOnce(secret: string): Promise<void> {
  await ElMessageBox.alert(secret, t('form.once'), { confirmButtonText: t('form.onceDone'), closeOnClickModal: false, closeOnPressEscape: false, customClass: 'mono' }).catch(() => {})
}

export function tell(message: string): void {
  ElMessage({ message, type: 'success', grouping: true })
}

/** Tells what was not done of many. */
export function warn(message: string): void {
  ElMessage({ message, type: 'warning', duration: 8000, showClose: true, grouping: true })
}

/** Tells why something did not work. */
export function tellProblem(error: unknown): void {
  const problem = asProblem(error)
  const message =
    problem.code === 'unreachable'
      ? `${t('problem.unreachable')}. ${t('problem.unreachableDetail')}`
      : [problem.title, problem.detail].filter(Boolean).join(': ')
  ElMessage({ message, type: 'error', duration: 8000, showClose: true, grouping: true })
}
