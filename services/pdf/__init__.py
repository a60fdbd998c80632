"""Documents as PDF: letters, receipts, reports. A thin layer over fpdf2; the text can be searched and copied.

Made of blocks, top to bottom: `render(title=..., blocks=[Paragraph(...), Facts(...), Grid(...)], made_at=...)`. The
font has Latin letters and the signs of currencies; letters of other scripts come out as empty boxes.
"""

from services.pdf.blocks import Block, Facts, Gap, Grid, Heading, PageBreak, Paragraph, Signature
from services.pdf.writing import MEDIA_TYPE, render

__all__ = ["MEDIA_TYPE", "Block", "Facts", "Gap", "Grid", "Heading", "PageBreak", "Paragraph", "Signature", "render"]
