"""The score of dot attention."""

from seq2seq.layers.scores.score import AttentionScore, ScoreWeight, need_one_width


class DotScore(AttentionScore):
    """query · key, both of one width (Luong et al. 2015, equation 8)."""

    def weights(self, units: int, memory_units: int) -> list[ScoreWeight]:  # noqa: D102
        need_one_width("Dot", units, memory_units)
        return []
