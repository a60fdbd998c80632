"""Documents as PDF: letters, receipts, reports. A thin layer over fpdf2; the text can be searched and copied.

Made of blocks, top to bottom: `render(title=..., blocks=[Paragraph(...), Facts(...), Grid(...)], made_at=...)`. The
fonts have Latin letters, the signs of currencies and the scripts of India's languages; a letter that they lack comes
out as an empty box. `sign` makes a document show whether it was changed.
"""

from services.pdf.blocks import Block, Facts, Gap, Grid, Heading, PageBreak, Paragraph, Signature
from services.pdf.signing import sign, signatures
from services.pdf.writing import MEDIA_TYPE, render

__all__ = [
    "MEDIA_TYPE",
    "Block",
    "Facts",
    "Gap",
    "Grid",
    "Heading",
    "PageBreak",
    "Paragraph",
    "Signature",
    "render",
    "sign",
    "signatures",
]
