import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '../shared/styles/tokens.css';
import '../shared/styles/base.css';
import '../shared/styles/controls.css';
import '../shared/styles/surfaces.css';
import '../shared/styles/shell.css';
import '../shared/styles/table.css';
import '../shared/styles/insights.css';
import '../shared/styles/campaigns.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { client } from '../shared/api/client.generated';
import { store } from '../shared/api/store';
import { loadMessages } from '../shared/i18n/i18n';
import { App } from './App';

const place = document.getElementById('root');
if (place) {
  // Asked for before anything is drawn: every page waits for it.
  void store.dispatch(client.endpoints.getSession.initiate());
  const { locale } = store.getState().prefs;
  void loadMessages(locale).then((messages) =>
    createRoot(place).render(
      <StrictMode>
        <Provider store={store}>
          <App messages={messages} />
        </Provider>
      </StrictMode>,
    ),
  );
}
