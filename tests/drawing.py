"""What the laws draw: models, amounts, stakes, payouts and splits. Amounts in nano-NMR; U is a unit
of risk, 2^18 nano; permille are thousandths of something that the law names."""

from hypothesis import strategies as st

from sluice.account import Split
from sluice.parameters import BPS
from sluice.words import POOL, RISK_UNIT_NANO, WALLET

U = RISK_UNIT_NANO
# the account word, both ends of the first page, the second, the last there is
MODELS = (0, 1, 4, 5, 64)

models = st.sampled_from(MODELS)
permille = st.integers(0, 1_000)
amounts = st.one_of(st.sampled_from([1, U, 4 * U, 4 * U + 1, 10**9]), st.integers(1, 10**13))
stakes = st.dictionaries(models, amounts, min_size=1, max_size=4)
losses = st.dictionaries(models, st.integers(-1_000, 0), max_size=3)
payouts = st.dictionaries(models, st.integers(-1_000, 1_000), max_size=3)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """One to eight destinations that share 10,000 basis points."""
    destinations = draw(
        st.lists(
            st.sampled_from([*MODELS, 2, 3, POOL, WALLET]), min_size=1, max_size=8, unique=True
        )
    )
    shares = [draw(st.integers(1, BPS // 8)) for _ in destinations[1:]]
    return tuple(zip(destinations, [BPS - sum(shares), *shares], strict=True))
