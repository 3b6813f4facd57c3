import { enAccount } from './en.account';
import { enBalances } from './en.balances';
import { enCampaigns } from './en.campaigns';
import { enEvents } from './en.events';
import { enKeeping } from './en.keeping';
import { enRows } from './en.rows';
import { enSaid } from './en.said';
import { enSettings } from './en.settings';
import { enUnits } from './en.units';
import { enWatch } from './en.watch';

/** English of what the first page does not show: fetched with the first part that does. */
export const enRest = {
  ...enAccount,
  ...enBalances,
  ...enCampaigns,
  ...enEvents,
  ...enKeeping,
  ...enRows,
  ...enSaid,
  ...enWatch,
  ...enSettings,
  ...enUnits,
};
