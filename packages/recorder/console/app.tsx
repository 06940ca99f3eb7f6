import { useEffect } from 'preact/hooks'
import { Login } from './login.js'
import { CorrelationPage } from './pages/correlation.js'
import { HealthPage } from './pages/health.js'
import { JobsPage } from './pages/jobs.js'
import { OperationPage } from './pages/operation.js'
import { OverviewPage } from './pages/overview.js'
import { ValuePage } from './pages/value.js'
import { Mark } from './parts/icons.js'
import { Empty } from './parts/notice.js'
import { SearchBox } from './parts/search-box.js'
import { linkTo, type Route, useRoute } from './router.js'
import { type Session, SessionProvider, useSessionState } from './session.js'

const pages = [
  { page: '', title: 'Overview' },
  { page: 'id', title: 'Correlation' },
  { page: 'jobs', title: 'Jobs' },
  { page: 'value', title: 'Value' },
  { page: 'health', title: 'Health' },
] as const

export const App = () => {
  const [state, signIn] = useSessionState()
  if (state.phase === 'asking') return <p class="asking">Asking the recorder …</p>
  if (state.phase === 'signed out') return <Login key={state.notice} notice={state.notice} signIn={signIn} />
  return (
    <SessionProvider value={state.session}>
      <Shell session={state.session} />
    </SessionProvider>
  )
}

const Shell = ({ session }: { session: Session }) => {
  const route = useRoute()
  const current = route.page === 'operation' ? '' : route.page
  useEffect(() => {
    document.title = `${titleOf(route)} · Throughline`
  }, [route])
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={linkTo('')} aria-label="Throughline, overview">
          <Mark /> Throughline
        </a>
        <nav aria-label="Pages">
          {pages.map(({ page, title }) => (
            <a key={page} href={linkTo(page)} aria-current={page === current ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <SearchBox />
        <div class="session">
          <span
            class="role"
            title={session.auth === 'off' ? 'The recorder asks for no token' : 'The role of your token'}
          >
            {session.auth === 'off' ? 'no login' : session.role}
          </span>
          {session.auth === 'required' && (
            <button type="button" class="quiet" onClick={session.signOut}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Page route={route} />
      </main>
    </>
  )
}

const titleOf = ({ page, id, params }: Route): string => {
  if (page === 'operation') return params.get('operation') ?? 'Operation'
  return id ?? pages.find((one) => one.page === page)?.title ?? 'Not found'
}

const Page = ({ route }: { route: Route }) => {
  switch (route.page) {
    case '':
      return <OverviewPage route={route} />
    case 'operation':
      return <OperationPage route={route} />
    case 'id':
      return <CorrelationPage key={route.id} route={route} />
    case 'jobs':
      return <JobsPage route={route} />
    case 'value':
      return <ValuePage route={route} />
    case 'health':
      return <HealthPage />
    default:
      return (
        <Empty title="There is no such page">
          <a href={linkTo('')}>Go to the overview</a>
        </Empty>
      )
  }
}
