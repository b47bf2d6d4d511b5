"""Keys with small norms stay: the twin of the retention `knorm`.

    python -m sah bench ruler --attention dense --retention small_norms.py:SmallNorms
"""

import torch

import sah


class SmallNorms(sah.Retention):
    """Devoto et al. 2024, arXiv 2406.11430."""

    def scores(self, keys, values, context):
        return -torch.linalg.vector_norm(keys.float(), dim=-1).squeeze(0)
