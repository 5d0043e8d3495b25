"""Which words does the memory keep? A sentence, and a model of a few sentences like it.

For sentences of your own, train on a real text: ``carrousel text train FILE --level word``.
"""

from carrousel import LanguageModel
from carrousel.text.memory import Options, memory
from carrousel.text.memory.templates import sentences

text = "".join(f"{sentence.text}.\n" for sentence in sentences("french", each=40))
model = LanguageModel("word", embedding=32, hidden=32, epochs=6, batch=16, bptt=16)
model.fit(text)

found = memory(model, "Hier soir j'ai mangé un hamburger avec", Options(sentences=24))
print("at the end    survival  (any word)   change  (any word)")
for number, word in enumerate(found.words):
    kept, changed = found.survival, found.change
    print(
        f"{word:12}  {kept.values[0, number, -1]:8.2f}  {kept.expected[0, number, -1]:10.2f}"
        f"  {changed.values[number, -1]:7.3f}  {changed.expected[number, -1]:10.3f}"
    )
found.plot().savefig("hamburger.png")
