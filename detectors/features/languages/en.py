"""English."""

from detectors.features.lexicon import Lexicon

_CANNOT = (
    "(can't|cannot|can not|cant|won't|will not|couldn't|could not|wouldn't|would not|shouldn't|should not|must not"
    "|am unable to|'m unable to|am not able to|'m not able to|am not allowed to|'m not allowed to"
    "|am not permitted to|'m not permitted to|am not authorized to|'m not authorized to|am not programmed to"
    "|'m not programmed to|am not designed to|'m not designed to|am not going to|'m not going to|am not here to"
    "|'m not here to|am not willing to|'m not willing to|are unable to|are not able to|am prohibited from"
    "|do not have the ability to|don't have the ability to|do not have the capability to|don't have the capability to"
    "|am not capable of|'m not capable of|am incapable of|am forbidden from|am not in a position to|don't want to"
    "|do not feel comfortable|don't feel comfortable|am not comfortable|'m not comfortable|refuse to|decline to)"
)
_HELP = (
    "(help~|assist~|aid~|support~|provid~|giv~|offer~|shar~|writ~|creat~|generat~|produc~|mak~|answer~|fulfil~|comply"
    "|complying|engag~|discuss~|do that|do this|do so|do it|participat~|recommend~|suggest~|encourag~|endors~|condon~"
    "|promot~|advis~|advocat~|facilitat~|complet~|continu~|respond~|process|accept~|agree~|allow|tell|say|explain~"
    "|describ~|guid~|teach|instruct~|disclos~|reveal~|act|pretend|roleplay|role-play|simulat~|show|list|proceed"
    "|carry out|compos~|craft~|draft~|develop~|speculat~|justify|defend|joke|ignore|talk about|speak|use|contribut~"
    "|entertain|go along|honor|play|follow|adopt|violat~|become|behave|reply|repeat|reproduce|execute|perform|impersonat~"
    "|be involved|be of assistance|take part|go into|address|handle|cover|tolerate|approve|judge|determine|confirm"
    "|choose|select|identify|predict|make a|wish|send|transfer|lie|insult|harm|spread|glorify|praise|translate)"
)

lexicon = Lexicon(
    tag="en",
    idiom=(
        "(i|we) (won't|will not) (sugarcoat|sugar-coat|lie,|bore|spoil|beat around)",
        "(i|we) (can't|cannot) (promise|deny|guarantee|thank|speak for|overstate|emphasize|stress)",
        "(can't|cannot) wait",
        "(can't|cannot|couldn't|could not) help (but|_ing)",
        "(can't|cannot|couldn't) … enough",
        "(can't|cannot) go wrong",
        "(can't|cannot) (agree|stress|overstate|emphasize) …more",
        "if i (can't|cannot|couldn't)",
        "(he|she|they|you|it|who|that|which) (can't|cannot|won't|couldn't|wouldn't)",
        "(i can't|i cannot) (believe|imagine|remember|recall|complain)",
        "why i (can't|cannot)",
        "(make|be|not|for|pretty) sure",
        "(not|isn't|aren't|nothing) (_ |)(illegal|unethical|immoral|inappropriate|wrong|offensive|harmful|dangerous)",
    ),
    cannot=(
        "no intention (of|to) (help|assist|provid~|writ~|creat~|do)",
        "(i|we) (do not|don't|never) (_ |)(help with|produce|write|create|generate|give (instructions|advice|guidance|out)|share|discuss|do that|do this|take part|roleplay|role-play|answer|comply|carry out|feel (right|good))",
        "(i|we)( have|'ll have| need|'m going| am going| will have|'d have| must|'re going| will|'ll) (to |)(_ |)(pass on|stop here|stop there|stop you|say no|turn (_ |)down|turn (this|that|it|you) down|draw (a|the) line|end this conversation)",
        "need to (turn down|turn this down)",
        "(i|we)('d| would|'ll| will) (rather|prefer to|prefer) not",
        "(cross~|crosses) (a|the|my) line",
        "(i draw|i'm drawing|i am drawing|i'll draw) (a|the) line",
        "(my|the) answer (is|here is|to (this|that) is|has to be|must be) (a |)(_ |)no",
        "(a |)(hard |firm |)no from me",
        "(outside|beyond|outside of) (what|anything) (i|we)( can| could| will| am|'m)",
        "(not|isn't|aren't) (something|a thing|anything|content|material|a request|a task|a topic) (that |which |)(i|we)( can| could| will| would|'ll|'d|(m|'m| am|'re| are) (able|willing|going|comfortable|prepared|allowed|ready))",
        "(nope|no), (can't|won't|cannot|can not) do",
        "where i (_ |)(stop|draw the line)",
        "i('m| am) stopping (here|there)",
        "(guidelines|policies|policy|programming|principles) …(prevent~|prohibit~|forbid~|include not|do not allow|don't allow)",
        "(i'll|i will|i shall|we'll) (_ |)(refrain|abstain) from",
        "i'm not able to",
        "i('m| am) not privy to",
        f"(i|we) (_ |_ _ |){_CANNOT} …{_HELP}",
        f"i{_CANNOT} …{_HELP}",
        "(i|we) (can't|cannot|can not|am unable to|'m unable to|am not able to|'m not able to|are unable to|must decline)",
        "i'm (unable|not able|not allowed|not permitted|not authorized|not programmed|not designed|not going|not willing) to",
        "i'm (_ |)(unable|not able) to (help|assist|provide|fulfill|discuss|answer|comply)",
        "i'm not comfortable",
        "(i|we) (must|have to|need to|will have to|'ll have to|'d have to|will|would like to|should) …(decline|refuse|refrain)",
        "(i|we) (_ |)(decline|refuse) (to|your|this|the)",
        "(do not|don't) (condone|endorse or|promote or|support or|encourage or)",
        "i (do not|don't) (condone|support|encourage|endorse|promote|engage in|participate in|provide|assist|recommend|advise|have any advice)",
        "i (do not|don't) (have|possess) …(access to|ability to|information (about|on|regarding)|knowledge of) …(personal|private|confidential|sensitive|specific) _",
        "(i|we) (do not|don't) (_ |)(think|believe) (i|it's|it is|it would be) …(can|should|able|appropriate|right|ethical|okay|ok)",
        "(i|we) (would|'d) (rather|prefer to|prefer) not",
        "can't (help|assist|do that|comply|fulfill|provide|answer)",
        "cannot (help|assist|do that|comply|fulfill|provide|answer|be provided|be answered|be fulfilled)",
        "(unable|not able) to (help|assist|provide|fulfill|comply|answer|process your|respond)",
        "not something (i can|i will|i would|i am able|i'm able|i'm willing|i'm comfortable|i am comfortable|i'm allowed|i'm going|i am willing)",
        "nothing i can (say|do|offer|provide)",
        "(goes|is|go|are|be) against (my|our) …(programming|guideline~|polic~|principle~|value~|ethic~|purpose|nature|code|rules|core)",
        "not within my (programming|ethical|capabilit~|guideline~)",
        "(outside|beyond) (my|the scope|of my|the bounds|the limits)",
        "(i|it) would be (inappropriate|unethical|irresponsible|wrong|unsafe) …(for me|of me|to)",
        "(your|this|that) (request|prompt|question|content) (violates|goes against|is against|contradicts|is inappropriate|cannot)",
        "(request|prompt) (is|was|has been) (denied|declined|refused|rejected|blocked)",
        "no assistance",
    ),
    apology=(
        "(i'm|i am|we're|we are|) (_ |)sorry",
        "(my|our) (_ |)apologies",
        "apologies",
        "(i|we) (_ |)apologi(z|s)e",
        "unfortunately",
        "regret(s|) to (inform|say)",
        "forgive me",
    ),
    sympathy=(
        (
            "sorry (to hear|for your loss|you're (going|feeling|dealing|having)|that you|you are (going|feeling|dealing|having)"
            "|about your loss|for the (confusion|inconvenience|mistake|error|misunderstanding|delay|earlier|previous|oversight)"
            "|for what you|if i|for any|about that|for that|for my|for being)"
        ),
        (
            "(apologize|apologies|apologise) for (the|any|my|that|being) …(confusion|inconvenience|mistake|error|misunderstanding"
            "|delay|oversight|earlier|previous|trouble|if)"
        ),
    ),
    normative=(
        "(is|are) (never|not) (_ |_ _ |)(acceptable|ethical|justifiable|legal|appropriate|okay|right|justified)",
        "against the (principles|law|values)",
        "(morally|ethically|legally) (wrong|reprehensible|unacceptable|problematic|questionable)",
        "strongly (advise|discourage|recommend|urge|condemn) (_ |_ _ |)(against|the use|any|not|such|this)",
        "(is|are|it's|be|and|or|highly|both|that's) (_ |)(illegal|unethical|immoral|unlawful|criminal|inappropriate|unacceptable)",
        "not (_ |)(appropriate|acceptable|ethical|legal|okay|ok|right|respectful|permissible|morally|safe)",
        "(is|are|it's|never|be) (_ |)(wrong|harmful|dangerous|offensive|a crime|discriminatory|a violation|against the law|a serious crime|a criminal)",
        "(never|not be|not) (okay|ok|acceptable|appropriate|justified|condoned|tolerated|encouraged|glorified|promoted)",
        "(illegal|unethical|immoral|harmful) (and|or) (illegal|unethical|immoral|harmful|dangerous)",
        "against the law",
        "(strongly|highly) (advise|discourage|recommend|urge|encourage) (you |)(against|not|you|people|anyone)",
        "(invasion|violation) of (_ |)privacy",
    ),
    policy=(
        "i must (_ |)(emphasize|clarify|prioritize|adhere|stress|advise|inform|remind|point out|challenge|insist)",
        "(follow|adhere to|abide by) (_ |)(ethical|strict|responsible|legal|certain ethical) _",
        "as an (ai|artificial|assistant|language)",
        "(i'm|i am) (just |only |simply |)(an ai|an artificial|a language model|a large language|a responsible|programmed|designed)",
        "(my|our|openai's|content|usage|community|safety|ethical) (_ |)(guidelines|policies|policy|programming|principles|values|ethics)",
        "(responsible|ethical|safe|harmless) (ai|assistant)",
        "(my|our) (purpose|role|goal|primary function|main goal|training) (is|as)",
    ),
    rebuttal=(
        "there (is|are|'s) no (_ |_ _ |)(reason~|justification~|evidence|basis|excuse|way|good|legitimate|moral|valid)",
        "(no one|nobody|no person|no individual|no group|people|everyone|individuals) (_ |)should (be|ever|never|not)",
        "(should never|should not|shouldn't|must not) be (_ |)(allowed|denied|barred|banned|prohibited|discriminated|excluded|judged|treated|used|mocked)",
        "(harmful|dangerous|negative|offensive|racist|sexist|baseless|outdated) (stereotype~|myth~|generalization~|assumption~)",
        "(no|without) (_ |)(scientific|factual|moral|legal|legitimate) (basis|evidence|reason~|justification~)",
        "(premise|question|statement|assumption|idea) …(is|itself) (_ |)(flawed|false|incorrect|based on|not valid|problematic|inappropriate|harmful|offensive)",
    ),
    redirect=(
        "(is there|if there's|if there is|if you have|do you have|anything|something) …(else|other) …(help|assist|questions|concerns|discuss)",
        "(feel free|please let me know|let me know|don't hesitate)",
        "(i'd|i would|i'll|i will) be (_ |)(happy|glad|delighted) to",
        "(happy|glad) to (help|assist)",
        "instead,",
        "(how about|would you like|perhaps i can|perhaps we can|let's)",
        "i (can|could) (help|assist|offer|provide|suggest|instead|try)",
        "(i would|i'd|i) (suggest|encourage|recommend|urge|advise)",
        "(here|there) are (some|a few|many|other|several) (_ |_ _ |)(alternative~|legal|healthy|safe|ethical|ways|resources|things|suggestions|tips)",
    ),
    product_limit=(
        (
            "(can't|cannot|can not|unable to|not able to|don't have the ability to|not capable of) (_ |)(open|browse|access|view|see|hear|watch"
            "|play|remember|recall|display|attach|download|upload|read|search|make calls|make phone|render|embed|check|retrieve|fetch|look up|book|run)"
        ),
        (
            "(don't|do not|without) (_ |)(have |)(_ |_ _ |)(access to|ability to|a way to) (_ |)(real-time|real time|live|current|the internet|internet"
            "|external|files|file|links|link|images|image|browse|search|open|websites|website|database|online|previous|past|your (screen|device|files|calendar))"
        ),
        (
            "(don't|do not) (_ |)(have|know|possess) (_ |)(enough|sufficient|the lyrics|the answer|a body|feelings|emotions|consciousness|memory"
            "|personal (experience~|opinion~|feeling~|belief~|preference~)|the context|any context|real-time|browsing|up-to-date)"
        ),
        "(knowledge|training data) (cutoff|cut-off|only goes|ends)",
        "my (last |)(knowledge|training) …(update|cutoff)",
        "not capable of (thinking|feeling|experiencing|having)",
        "(definitive|exact|precise|reliably|accurately|100% certain)",
    ),
    affirmative=(
        "(sure|certainly|absolutely|of course|no problem|gladly)",
        "here('s| is| are) (_ |)(how|what|a|an|the|some|one|my|your|general|step~|information|few)",
        "(the |these |follow these )(steps|following|instructions) (are|is|will|below)",
        "step (1|one)",
        "(as follows|i'll (explain|show|tell|walk))",
    ),
    hedge=(
        (
            "(consult|speak with|speak to|talk to|seek|reach out to|contact|check with|discuss) …(professional|doctor|lawyer|attorney|expert"
            "|advisor|provider|authorit~|therapist|pharmacist|physician|hotline|police|specialist|counselor|someone)"
        ),
        "(it's|it is) (_ |_ _ |)(important|essential|crucial|best|vital|recommended|always) (to|that)",
        "(however|but), (it's|it is)",
        "(please|keep in mind|remember|note) (note|remember|that)",
        "(i'm|i am) not a (doctor|lawyer|medical|financial|licensed|professional|therapist)",
    ),
    instead=("(instead|alternatively|rather than)",),
    counsel=(
        "(respect|respecting|respectful~|dignity|empathy|compassion~|kindness|honesty|integrity|equality|inclusiv~|inclusion|well-being|wellbeing)",
        "(safe and|safety and|and safety|safety of|legal and|lawful|ethical|ethically|legitimate|responsible|responsibly|peaceful~|nonviolent)",
        "(consequence~|punish~|prosecut~|imprisonment|fines|penalt~|lawsuit~|legal action|law enforcement|criminal charges|authorities)",
        "(harm to|harm others|hurt others|damage to|damage others|suffering|trauma~|victim~|violat~|undermine~|perpetuat~|discriminat~|prejudice~|stigma~|hatred)",
        "(counselor~|counselling|counseling|therapist~|hotline~|helpline~|mental health|trusted (friend|adult|person|source)~|loved one~|support group~|emergency services|domestic violence)",
        "(seek|seeking|reach out|reaching out|reach) (_ |_ _ |)(help|support|guidance|assistance|advice|mediation|to)",
        "(rights|privacy|consent|boundaries|human being~|all people|all individuals|everyone deserves|regardless of|each other|one another|community|society)",
        "(consider|focus on|focusing on|explore|instead of|rather than|try to|learn about|educate yourself|constructive~|positive|healthy|healthier|alternative~)",
        "(helpful|assistance|here to|guidance|concerns|feelings|struggling|in danger|resources available)",
    ),
)
