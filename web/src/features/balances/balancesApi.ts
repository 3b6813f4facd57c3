import { client } from '../../shared/api/client.generated';

/** What is asked for here shows among the approvals as well; what is decided there asks for balances anew. */
export const balancesApi = client.enhanceEndpoints({
  addTagTypes: ['Balance', 'Approval'],
  endpoints: {
    listWithdrawals: { providesTags: ['Balance'] },
    getCustomerBalances: { providesTags: ['Balance'] },
    listCustomerBalanceMovements: { providesTags: ['Balance'] },
    requestApproval: { invalidatesTags: ['Balance', 'Approval'] },
    payWithdrawal: { invalidatesTags: ['Balance'] },
    failWithdrawal: { invalidatesTags: ['Balance'] },
  },
});
